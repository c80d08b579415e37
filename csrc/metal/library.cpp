#include "metal/library.h"

#include <mutex>

#include "gpu.h"
#include "metal/source.h"
#include "package.h"

namespace mlx_schedules {

namespace metal {

namespace {

const std::string& metallib() { // its path, or "" if there is none
  static const std::string path = [] {
    auto file = package_folder() / "mlx_schedules.metallib";
    return std::filesystem::exists(file) ? file.string() : std::string();
  }();
  return path;
}

// Why the metallib was not loaded. It may need a newer Metal than the system has.
struct Refusal {
  std::mutex mutex;
  std::string why;
} refusal;

MTL::Library* loaded(mlx::core::metal::Device& device) { // null if none loads
  std::lock_guard lock(refusal.mutex);
  if (metallib().empty() || !refusal.why.empty()) {
    return nullptr;
  }
  try {
    return device.get_library("mlx_schedules", metallib());
  } catch (std::exception& error) {
    refusal.why = error.what();
    return nullptr;
  }
}

// Compiles one kernel of the source, which takes 0.2 to 0.8 s; all 55 would take 8.9 s. If one kernel fails to compile,
// the others still work.
MTL::Library* compiled(mlx::core::metal::Device& device, const Kernel& kernel) {
  mlx::core::CompileOptions options;
  options.math_mode = mlx::core::MathMode::Safe;
  return device.get_library("mlx_schedules_" + kernel.variant + "_" + kernel.step_type, options, [&] {
    return "#define MLXS_KERNEL MLXS_OF_" + kernel.step_type + "(" + kernel.variant + ")\n" + kSource;
  });
}

} // namespace

MTL::ComputePipelineState* pipeline(mlx::core::metal::Device& device, const Kernel& kernel) {
  auto library = loaded(device);
  auto name = kernel.variant + "_" + kernel.step_type, known = name;
  mlx::core::metal::MTLFCList constants;
  for (auto& constant : kernel.constants) {
    known += "_" + std::to_string(constant);
    constants.emplace_back(&constant, MTL::DataTypeInt, constants.size());
  }
  return device.get_kernel(name, library ? library : compiled(device, kernel), known, constants);
}

} // namespace metal

std::string gpu_kernels() {
  std::lock_guard lock(metal::refusal.mutex);
  if (metal::metallib().empty()) {
    return "Metal, compiled at first use";
  }
  return "Metal, " + (metal::refusal.why.empty() ? metal::metallib()
                                                 : "compiled at first use, since " + metal::metallib() +
                                                       " did not load: " + metal::refusal.why);
}

} // namespace mlx_schedules
