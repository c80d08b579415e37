// The Metal backend: which kernel, with which arguments, over which grid.

#include <algorithm>

#include "metal/library.h"
#include "mlx/backend/metal/utils.h"
#include "op.h"
#include "plan.h"

namespace mlx_schedules {

namespace {

#include "metal_arguments.h"

TimeType time_type(mx::Dtype t) {
  switch (t.val()) {
    case mx::Dtype::Val::int32:
      return kInt32;
    case mx::Dtype::Val::uint32:
      return kUint32;
    case mx::Dtype::Val::int64:
      return kInt64;
    case mx::Dtype::Val::uint64:
      return kUint64;
    default:
      return kFloat32;
  }
}

// One launch: a kernel, its operands from element `first` of the steps and the output on, and a grid.
class Launch {
 public:
  Launch(const std::string& kernel, mx::Stream s)
      : encoder_(mx::metal::get_command_encoder(s)), pipeline_([&] {
          auto& device = mx::metal::device(s.device);
          return device.get_kernel(kernel, metal::library(device));
        }()) {
    encoder_.set_compute_pipeline_state(pipeline_);
  }

  mx::metal::CommandEncoder& bind(const std::vector<mx::array>& inputs, mx::array& out, int64_t first, Extent extent) {
    encoder_.set_input_array(inputs[kStep], kStep, first * inputs[kStep].itemsize());
    for (int k = kStep + 1; k < kOperands; k++) {
      encoder_.set_input_array(inputs[k], k);
    }
    encoder_.set_output_array(out, kOut, first * out.itemsize());
    encoder_.set_bytes(extent, kExtent);
    return encoder_;
  }

  void over(size_t width, size_t height) {
    auto group = std::min({width, size_t(256), size_t(pipeline_->maxTotalThreadsPerThreadgroup())});
    encoder_.dispatch_threads(MTL::Size(width, height, 1), MTL::Size(group, 1, 1));
  }

 private:
  mx::metal::CommandEncoder& encoder_;
  MTL::ComputePipelineState* pipeline_;
};

} // namespace

void CosineDecay::eval_gpu(const std::vector<mx::array>& inputs, std::vector<mx::array>& outputs) {
  auto& step = inputs[kStep];
  auto& out = outputs[0];
  auto plan = make_plan(inputs, out);
  give_memory(plan, inputs, out);
  if (out.size() == 0) {
    return;
  }

  auto type = mx::type_to_name(step.dtype() == mx::bool_ ? mx::uint8 : step.dtype());
  auto time = time_type(inputs[kDecaySteps].dtype());
  if (plan.dense && aligned(step, kVector)) {
    constexpr size_t most = size_t(1) << 31; // so that the kernel's indices have 32 bits
    for (size_t first = 0; first < plan.count; first += most) {
      size_t count = std::min(most, plan.count - first);
      Launch launch("cosine_decay_uniform_" + type, stream());
      launch.bind(inputs, out, first, {.count = count, .time = time});
      launch.over((count + kPerThread - 1) / kPerThread, 1);
    }
    return;
  }

  auto axes = plan.dense ? Axes{{0}, {1, 0, 0, 0}, int64_t(plan.count)} : plan.axes;
  bool large = plan.count > INT32_MAX || axes.reach > INT32_MAX;
  Extent extent{.count = plan.count, .threads = plan.count, .axes = int32_t(axes.shape.size()), .time = time};
  if (plan.count > kAlone && plan.prepared_once()) { // threads for whole entries of the outermost axis
    size_t entries = std::max<size_t>(plan.count / kPerThread / plan.entry(), 1);
    extent.threads = entries * plan.entry();
    extent.apart = entries * axes.stride(kStep, 0);
  }
  Launch launch("cosine_decay_general_" + type + (large ? "_large" : ""), stream());
  auto& encoder = launch.bind(inputs, out, 0, extent);
  encoder.set_vector_bytes(axes.shape, kShape);
  encoder.set_vector_bytes(axes.strides, kStrides);
  launch.over(std::min<size_t>(extent.threads, kRow), (extent.threads + kRow - 1) / kRow);
}

} // namespace mlx_schedules
