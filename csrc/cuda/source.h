#pragma once

namespace mlx_schedules::cuda {

extern const char kSource[]; // kernels/cosine_decay.cu with what it includes; see cmake/embed.cmake

} // namespace mlx_schedules::cuda
