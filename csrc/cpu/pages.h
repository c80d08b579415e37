#pragma once

#include <cstddef>

namespace mlx_schedules::cpu {

// Asks the system for huge pages for a large new output. MLX returns such blocks to the system, so that every call
// faults in every page again: for 10^7 float32 values that took 25 ms, and the kernel 5 ms.
void advise_huge_pages(void* data, size_t bytes);

} // namespace mlx_schedules::cpu
