#pragma once

#include <optional>
#include <vector>

#include "mlx/mlx.h"

namespace mlx_schedules {

// Makes one primitive, and so one kernel, of the operations between arrays that mx.compile traces. Returns nothing if
// one of the operations is more than arithmetic on each element, or if there is no more than one element.
std::optional<std::vector<mlx::core::array>> fuse(const std::vector<mlx::core::array>& inputs,
                                                  const std::vector<mlx::core::array>& outputs);

} // namespace mlx_schedules
