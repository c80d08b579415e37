#pragma once

#include <filesystem>

namespace mlx_schedules {

// The folder of the Python package, which also has the kernels and libraries installed with it.
const std::filesystem::path& package_folder();

} // namespace mlx_schedules
