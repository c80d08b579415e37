#pragma once

#include <cstddef>

namespace mlx_schedules::cpu {

// Asks for huge pages under a large fresh output. MLX returns such blocks to the system, so every call faults every
// page in again: for 10^7 float32 that took 25 ms, the kernel 5 ms.
void advise_huge_pages(void* data, size_t bytes);

} // namespace mlx_schedules::cpu
