#pragma once

#include <filesystem>

namespace mlx_schedules {

// Where this package lies, with what is installed beside its Python files.
const std::filesystem::path& package_folder();

} // namespace mlx_schedules
