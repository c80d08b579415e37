#pragma once

#include "mlx/backend/metal/device.h"

namespace mlx_schedules::metal {

// Our kernels: mlx_schedules.metallib where it lies beside this module, else compiled from the embedded source.
MTL::Library* library(mlx::core::metal::Device& device);

} // namespace mlx_schedules::metal
