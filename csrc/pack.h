#pragma once

#include <vector>

#include "mlx/mlx.h"

namespace mlx_schedules {

// MLX keeps arrays of up to 8 bytes in a pool, which its CUDA build leaves to the host: every block of a kernel reads
// them over the bus, and 2^20 steps take 69 us, not 34. So a schedule's small numbers get memory of their own, one
// behind the other.
void pack(std::vector<mlx::core::array>& numbers);

// How far the next of them lies behind `a`.
size_t room(const mlx::core::array& a);

} // namespace mlx_schedules
