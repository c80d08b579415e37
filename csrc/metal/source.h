#pragma once

namespace mlx_schedules::metal {

extern const char kSource[]; // kernels/metal/schedule.metal with what it includes; see cmake/embed.cmake

} // namespace mlx_schedules::metal
