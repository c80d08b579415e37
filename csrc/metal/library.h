#pragma once

#include <string>
#include <vector>

#include "mlx/backend/metal/device.h"

namespace mlx_schedules::metal {

// A kernel of kernels/metal/schedule.metal.
struct Kernel {
  std::string variant, step_type;
  std::vector<int32_t> constants = {}; // its function constants, from 0 on
};

// The pipeline of a kernel: from mlx_schedules.metallib if that is in the package's folder and loads, otherwise
// compiled from the embedded source when the kernel is first launched.
MTL::ComputePipelineState* pipeline(mlx::core::metal::Device& device, const Kernel& kernel);

} // namespace mlx_schedules::metal
