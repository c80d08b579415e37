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

// From mlx_schedules.metallib where that lies beside this module and loads, else compiled from the embedded source:
// that kernel alone, at its first launch.
MTL::ComputePipelineState* pipeline(mlx::core::metal::Device& device, const Kernel& kernel);

} // namespace mlx_schedules::metal
