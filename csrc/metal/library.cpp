#include "metal/library.h"

#include "gpu.h"
#include "metal/source.h"
#include "package.h"

namespace mlx_schedules {

namespace metal {

namespace {

const std::string& metallib() { // its path, empty where there is none
  static const std::string path = [] {
    auto file = package_folder() / "mlx_schedules.metallib";
    return std::filesystem::exists(file) ? file.string() : std::string();
  }();
  return path;
}

} // namespace

MTL::Library* library(mlx::core::metal::Device& device) {
  if (!metallib().empty()) {
    return device.get_library("mlx_schedules", metallib());
  }
  mlx::core::CompileOptions options;
  options.math_mode = mlx::core::MathMode::Safe;
  return device.get_library("mlx_schedules", options, [] { return std::string(kSource); });
}

} // namespace metal

std::string gpu_kernels() {
  return metal::metallib().empty() ? "Metal, compiled at first use" : "Metal, " + metal::metallib();
}

} // namespace mlx_schedules
