#pragma once

#include <vector>

#include "mlx/mlx.h"

namespace mlx_schedules {

// The elements of a row as scalars, which share its memory. It is mx::unstack for functions compiled with
// shapeless=true, in which mx::split has no shapes, with n primitives instead of n + 1.
std::vector<mlx::core::array> unstack(const mlx::core::array& row);

} // namespace mlx_schedules
