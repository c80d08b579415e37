#pragma once

#include <vector>

#include "mlx/mlx.h"

namespace mlx_schedules {

// The elements of a row as scalars, which share its memory. Unlike mx::unstack, it also works in functions compiled
// with shapeless=true, and makes n primitives instead of n + 1.
std::vector<mlx::core::array> unstack(const mlx::core::array& row);

} // namespace mlx_schedules
