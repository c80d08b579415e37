// Stands in for MLX's header of this name.
#pragma once

#include <string>

#include "mlx/backend/metal/device.h"

namespace mlx::core {

std::string type_to_name(const Dtype& t);

} // namespace mlx::core
