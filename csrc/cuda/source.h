// The source of a kernel, as MLX's cuda_kernel takes it.
#pragma once

#include <string>
#include <vector>

#include "cuda/launcher.h"

namespace mlx_schedules::cuda {

struct Source {
  const char* file; // of kernels/cuda
  std::vector<std::string> inputs;
  std::string body; // MLX writes the signature, passing the strides, shape and rank that the body names
};

// `inputs` are the primitive's.
Source source(const Kernel& kernel, const Columns& columns, const std::vector<mx::array>& inputs);

} // namespace mlx_schedules::cuda
