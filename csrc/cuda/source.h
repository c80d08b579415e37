// The source of a kernel, in the form that MLX's cuda_kernel takes.
#pragma once

#include <string>
#include <vector>

#include "cuda/launcher.h"

namespace mlx_schedules::cuda {

struct Source {
  const char* file; // in kernels/cuda
  std::vector<std::string> inputs;
  std::string body; // MLX writes the signature, and passes the strides, shapes and ranks that the body names
};

// `inputs` are those of our primitive.
Source source(const Kernel& kernel, const Columns& columns, const std::vector<mx::array>& inputs);

} // namespace mlx_schedules::cuda
