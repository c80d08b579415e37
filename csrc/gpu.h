#pragma once

#include <string>

namespace mlx_schedules {

// Where the GPU's kernels come from, for people to read; empty where no GPU backend is built in.
std::string gpu_kernels();

} // namespace mlx_schedules
