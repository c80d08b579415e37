#pragma once

#include <cstddef>
#include <functional>

namespace mlx_schedules::cpu {

// Calls work(begin, end) for pieces of [0, n), each at least `grain` long, on as many threads as there are processors,
// at most 8, and returns when all are done. MLX_SCHEDULES_THREADS sets another number.
void in_parallel(size_t n, size_t grain, const std::function<void(size_t begin, size_t end)>& work);

} // namespace mlx_schedules::cpu
