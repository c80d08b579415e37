// The CUDA backend. MLX exports fast::cuda_kernel, whose arrays carry a primitive that compiles, allocates and
// launches: evaluating that primitive from ours needs nothing of CUDA here. It allocates the output itself, so steps
// are never donated.

#include <dlfcn.h>

#include <algorithm>
#include <filesystem>
#include <map>

#include "gpu.h"
#include "mlx/allocator.h"
#include "mlx/fast.h"
#include "op.h"
#include "plan.h"

namespace mlx_schedules {

namespace {

// The kernels lie beside this module. MLX hashes a kernel's whole source at every launch, so it is given their name
// only: the 9 KB themselves cost 2 of a scalar call's 33 us.
const std::string& include_kernels() {
  static const std::string line = [] {
    Dl_info module;
    if (!dladdr(reinterpret_cast<void*>(&gpu_kernels), &module)) {
      throw std::runtime_error("[cosine_decay] The folder of the compiled module could not be found.");
    }
    auto file = std::filesystem::absolute(module.dli_fname).replace_filename("kernels") / "cosine_decay.cu";
    return "#include \"" + file.string() + "\"\n";
  }();
  return line;
}

enum Variant { kUniform, kLine, kGeneral, kGeneralLarge };

// A kernel's body; MLX writes the signature, passing the strides, shape and rank that the body names.
std::string body(Variant variant) {
  std::string operands = "(step, init, time, end, out, ";
  switch (variant) {
    case kUniform:
      return "mlx_schedules::uniform" + operands + "step_strides[0]);";
    case kLine:
      return "mlx_schedules::line" + operands +
             "step_shape[0], step_strides[0], init_strides[0], time_strides[0], end_strides[0]);";
    default:
      return std::string("mlx_schedules::general<") + (variant == kGeneralLarge ? "int64_t" : "uint32_t") + ">" +
             operands + "step_ndim, step_shape, step_strides, init_strides, time_strides, end_strides);";
  }
}

struct Key {
  int stream, threads;
  Variant variant;
  mx::Dtype::Val step, time, out;

  auto operator<=>(const Key&) const = default;
};

// The primitive that launches one kernel over one grid. Kept, since making it writes the kernel's whole source anew.
std::shared_ptr<mx::Primitive> launcher(
    Variant variant, int threads, const std::vector<mx::array>& views, const mx::array& out, mx::Stream s) {
  static thread_local std::map<Key, std::shared_ptr<mx::Primitive>> made;
  Key key{s.index, threads, variant, views[kStep].dtype().val(), views[kLength].dtype().val(), out.dtype().val()};
  auto& primitive = made[key];
  if (!primitive) {
    bool contiguous = false; // whether MLX is to make operands so
    auto kernel = mx::fast::cuda_kernel(
        "cosine_decay", {"step", "init", "time", "end"}, {"out"}, body(variant), include_kernels(), contiguous);
    int group = std::min(threads, 128);
    auto arrays = kernel(
        views, {out.shape()}, {out.dtype()}, {threads, 1, 1}, {group, 1, 1}, {}, std::nullopt, /* verbose */ false, s);
    primitive = arrays[0].primitive_ptr();
  }
  return primitive;
}

mx::array view(const mx::array& a, mx::Shape shape, mx::Strides strides) {
  mx::array v(std::move(shape), a.dtype() == mx::bool_ ? mx::uint8 : a.dtype(), nullptr, {});
  v.copy_shared_buffer(a, std::move(strides), a.flags(), a.data_size());
  return v;
}

// At least 2^17 threads where there is work for them, and beyond that one for every 16 pieces; powers of two, so that
// few launchers are kept.
int threads_for(int64_t pieces) {
  int64_t threads = 32;
  while (threads < pieces && (threads < (1 << 17) || threads * 16 < pieces)) {
    threads *= 2;
  }
  return static_cast<int>(threads);
}

constexpr size_t kMostInLine = 1 << 16; // below the 2^17 threads that threads_for gives them at least

} // namespace

void Schedule::eval_gpu(const std::vector<mx::array>& inputs, std::vector<mx::array>& outputs) {
  auto& out = outputs[0];
  if (out.size() == 0) {
    out.set_data(mx::allocator::malloc(0));
    return;
  }
  auto plan = make_plan(inputs, *columns_, out, /* any_order */ false); // MLX allocates it, row by row
  std::vector<mx::array> views;
  Variant variant;
  int64_t pieces;
  if (plan.dense && aligned(inputs[kStep], 4)) {
    // The count travels as a stride: strides have 64 bits, shapes 32.
    for (auto& a : inputs) {
      views.push_back(view(a, {1}, {static_cast<int64_t>(out.size())}));
    }
    variant = kUniform;
    pieces = (out.size() + 3) / 4;
  } else {
    auto axes = plan.dense ? merged_axes(out.shape(), mlx_schedules::views(inputs, *columns_)) : plan.axes;
    size_t rank = axes.shape.size();
    for (size_t k = 0; k < inputs.size(); k++) {
      auto first = axes.strides.begin() + k * rank;
      views.push_back(
          view(inputs[k], mx::Shape(axes.shape.begin(), axes.shape.end()), mx::Strides(first, first + rank)));
    }
    bool line = rank == 1 && out.size() <= kMostInLine;
    variant = line ? kLine : (out.size() > INT32_MAX ? kGeneralLarge : kGeneral);
    pieces = out.size();
  }
  launcher(variant, threads_for(pieces), views, out, stream())->eval_gpu(views, outputs);
}

bool gpu_has_columns() {
  return false;
}

std::string gpu_kernels() {
  return "compiled at first use by MLX, through NVRTC";
}

} // namespace mlx_schedules
