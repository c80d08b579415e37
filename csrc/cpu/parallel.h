#pragma once

#include <cstddef>
#include <functional>

namespace mlx_schedules::cpu {

// Calls work(begin, end) for pieces of [0, n), each at least `grain` long, and returns when all are done. Uses a thread
// for each processor, at most 8, or as many as the environment variable MLX_SCHEDULES_THREADS says.
void in_parallel(size_t n, size_t grain, const std::function<void(size_t begin, size_t end)>& work);

} // namespace mlx_schedules::cpu
