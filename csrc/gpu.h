#pragma once

#include <string>

namespace mlx_schedules {

// Tells users where the GPU's kernels come from. Empty if no GPU backend is built in.
std::string gpu_kernels();

} // namespace mlx_schedules
