// The Metal backend: chooses a kernel, its arguments and its grid.

#include <algorithm>

#include "metal/library.h"
#include "mlx/backend/metal/utils.h"
#include "op.h"
#include "plan.h"

namespace mlx_schedules {

namespace {

#include "metal/arguments.h"

metal::Kernel kernel_of(const std::string& variant, mx::Dtype step, bool large = false) {
  return {variant + (large ? "_large" : ""), mx::type_to_name(step == mx::bool_ ? mx::uint8 : step)};
}

// Whether the numbers that the contiguous kernel reads as constants are aligned to 4 bytes, as Apple's GPUs require.
bool on_words(const std::vector<mx::array>& inputs) {
  return std::all_of(inputs.begin() + 1, inputs.end(), [](auto& a) { return a.offset() % 4 == 0; });
}

enum class Way { Nothing, Contiguous, General };

Way way(const std::vector<mx::array>& inputs, const Plan& plan) {
  if (plan.count == 0) {
    return Way::Nothing;
  }
  return plan.contiguous && aligned(inputs[kStep], kVector) && on_words(inputs) ? Way::Contiguous : Way::General;
}

size_t piece(size_t left) { // the contiguous kernel's indices have 32 bits
  return std::min(left, size_t(1) << 31);
}

size_t contiguous_threads(size_t count) {
  return (count + kPerThread - 1) / kPerThread;
}

size_t rows(size_t threads) {
  return (threads + kRow - 1) / kRow;
}

bool needs_64_bits(size_t count, int64_t reach) {
  return count > INT32_MAX || reach > INT32_MAX;
}

// Has each thread take several entries of the outermost axis, for which it prepares once.
void share_threads(Extent& extent, const Axes& axes, size_t entry) {
  size_t entries = std::max<size_t>(extent.count / kPerThread / entry, 1);
  extent.threads = entries * entry;
  extent.apart = entries * axes.stride(kStep, 0);
}

std::vector<uint64_t> inverses(const std::vector<int32_t>& shape) { // for `quotient` of kernels/clock.h
  std::vector<uint64_t> v;
  for (auto n : shape) {
    v.push_back(~uint64_t(0) / std::max(n, 1));
  }
  return v;
}

constexpr size_t kMostBytes = 4096; // the most that Metal takes without a buffer

// One launch: a kernel, its operands, of which steps and output start at element `first`, and a grid.
class Launch {
 public:
  Launch(const metal::Kernel& kernel, mx::Stream s)
      : encoder_(mx::metal::get_command_encoder(s)), pipeline_(metal::pipeline(mx::metal::device(s.device), kernel)) {
    encoder_.set_compute_pipeline_state(pipeline_);
  }

  void bind(const std::vector<mx::array>& inputs, mx::array& out, int64_t first, Extent extent) {
    encoder_.set_input_array(inputs[kStep], kStep, first * inputs[kStep].itemsize());
    for (int k = kStep + 1; k <= kEnd; k++) {
      encoder_.set_input_array(inputs[k], k);
    }
    bind_out(out, first, extent);
  }

  void bind_out(mx::array& out, int64_t first, Extent extent) {
    encoder_.set_output_array(out, kOut, first * out.itemsize());
    encoder_.set_bytes(extent, kExtent);
  }

  void bind_columns(const std::vector<mx::array>& inputs, const Columns& columns, ColumnsExtent extent) {
    for (int k = kStep; k < kOperands; k++) { // binds absent operands to the step, unread
      encoder_.set_input_array(inputs[std::max(columns.input(Operand(k)), 0)], k);
    }
    encoder_.set_bytes(extent, kColumns);
    bind_eases({columns.eases.begin(), columns.eases.end()});
  }

  void bind_eases(const std::vector<int32_t>& eases) {
    if (eases.size() * sizeof(eases[0]) <= kMostBytes) {
      encoder_.set_vector_bytes(eases, kEaseCodes);
    } else {
      mx::array codes(eases.begin(), {int(eases.size())}, mx::int32);
      encoder_.set_input_array(codes, kEaseCodes);
      encoder_.add_temporary(codes);
    }
  }

  void bind_axes(const Axes& axes) {
    encoder_.set_vector_bytes(axes.shape, kSizes);
    encoder_.set_vector_bytes(axes.strides, kStrides);
    encoder_.set_vector_bytes(inverses(axes.shape), kInverses);
  }

  void over(size_t width, size_t height) {
    auto group = std::min({width, size_t(256), size_t(pipeline_->maxTotalThreadsPerThreadgroup())});
    encoder_.dispatch_threads(MTL::Size(width, height, 1), MTL::Size(group, 1, 1));
  }

 private:
  mx::metal::CommandEncoder& encoder_;
  MTL::ComputePipelineState* pipeline_;
};

void run_contiguous(const std::vector<mx::array>& inputs, mx::array& out, TimeType time, mx::Stream s) {
  for (size_t first = 0, count; first < out.data_size(); first += count) {
    count = piece(out.data_size() - first);
    Launch launch(kernel_of("cosine_contiguous", inputs[kStep].dtype()), s);
    launch.bind(inputs, out, first, {.count = count, .time = time});
    launch.over(contiguous_threads(count), 1);
  }
}

void run_general(const std::vector<mx::array>& inputs, mx::array& out, const Plan& plan, TimeType time, mx::Stream s) {
  auto axes = plan.contiguous ? Axes{{0}, {1, 0, 0, 0}, int64_t(plan.count)} : plan.axes;
  Extent extent{.count = plan.count, .threads = plan.count, .axes = int32_t(axes.shape.size()), .time = time};
  if (plan.count > kAlone && plan.prepared_once()) {
    share_threads(extent, axes, plan.entry());
  }
  Launch launch(kernel_of("cosine_general", inputs[kStep].dtype(), needs_64_bits(plan.count, axes.reach)), s);
  launch.bind(inputs, out, 0, extent);
  launch.bind_axes(axes);
  launch.over(std::min<size_t>(extent.threads, kRow), rows(extent.threads));
}

// Reorders numbers from the order of the inputs to that of the operands, with zeros for those left out.
template <typename T>
std::vector<T> spread(const std::vector<T>& by_input, const Columns& columns, size_t each = 1) {
  std::vector<T> by_operand(kOperands * each, 0);
  for (size_t i = 0; i < columns.operands.size(); i++) {
    std::copy_n(by_input.begin() + i * each, each, by_operand.begin() + columns.operands[i] * each);
  }
  return by_operand;
}

ColumnsExtent columns_extent(const Known& known, const Columns& columns, const Plan& plan) {
  ColumnsExtent extent{.columns = int32_t(columns.eases.size()),
                       .repeat = columns.repeat,
                       .operands = known.operands,
                       .types = known.types};
  auto apart = spread(plan.column_strides, columns);
  std::copy(apart.begin(), apart.end(), extent.apart);
  return extent;
}

void run_columns(
    const std::vector<mx::array>& inputs, mx::array& out, const Columns& columns, const Plan& plan, mx::Stream s) {
  auto axes = plan.axes;
  if (plan.contiguous) {
    axes = {{0}, std::vector<int64_t>(inputs.size(), 0), int64_t(plan.count)};
    axes.strides[kStep] = 1;
  }
  Extent extent{.count = plan.count, .threads = plan.count, .axes = int32_t(axes.shape.size())};
  if (plan.count > kAlone && plan.prepared_once()) {
    share_threads(extent, axes, plan.entry());
  }
  int64_t apart = 0;
  for (auto stride : plan.column_strides) {
    apart = std::max(apart, std::abs(stride));
  }
  int64_t reach = axes.reach + int64_t(columns.eases.size() - 1) * apart;
  auto kernel = kernel_of("columns_general", inputs[kStep].dtype(), needs_64_bits(plan.count, reach));
  auto known = mlx_schedules::known(inputs, columns);
  kernel.constants = {known.eases, known.operands, known.types}; // in the order of FunctionConstant
  Launch launch(kernel, s);
  launch.bind_columns(inputs, columns, columns_extent(known, columns, plan));
  launch.bind_out(out, 0, extent);
  axes.strides = spread(axes.strides, columns, axes.shape.size());
  launch.bind_axes(axes);
  launch.over(std::min<size_t>(extent.threads, kRow), rows(extent.threads));
}

} // namespace

void Schedule::eval_gpu(const std::vector<mx::array>& inputs, std::vector<mx::array>& outputs) {
  auto& out = outputs[0];
  auto plan = make_plan(inputs, *columns_, out);
  give_memory(plan, inputs, out);
  if (!columns_->plain_cosine()) {
    return plan.count == 0 ? void() : run_columns(inputs, out, *columns_, plan, stream());
  }
  auto time = time_type(inputs[kLength].dtype());
  switch (way(inputs, plan)) {
    case Way::Nothing:
      return;
    case Way::Contiguous:
      return run_contiguous(inputs, out, time, stream());
    case Way::General:
      return run_general(inputs, out, plan, time, stream());
  }
}

} // namespace mlx_schedules
