#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "mlx/mlx.h"

namespace mlx_schedules {

struct Packed {
  mlx::core::array memory;
  std::vector<uint8_t> bytes; // a copy for the host, which would wait for the memory to move back from a GPU
};

// Moves a schedule's small numbers into memory of their own, one after the other. MLX keeps arrays of up to 8 bytes in
// a pool, which its CUDA build leaves in the host's memory. Every block of a kernel would read them over the bus, and
// 2^20 steps would take 69 us instead of 34.
std::optional<Packed> pack(std::vector<mlx::core::array>& numbers);

// How many bytes after `a` the next packed array lies.
size_t room(const mlx::core::array& a);

} // namespace mlx_schedules
