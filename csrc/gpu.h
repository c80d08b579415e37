#pragma once

#include <string>

namespace mlx_schedules {

// Where the GPU's kernels come from, for people to read; empty where no GPU backend is built in.
std::string gpu_kernels();

// Whether they evaluate schedules of any columns. CUDA's know one cosine yet; there all else is MLX's ops.
bool gpu_has_columns();

} // namespace mlx_schedules
