#pragma once

#include <cstddef>
#include <cstdint>

namespace mlx_schedules::cpu {

// Asks for memory that is to be read or written soon. Runs stream through memory once, at 60 to 80 instructions per
// line of it: too many for the processor to look ahead far enough by itself. Fetching 512 steps ahead took 10^7 float32
// steps from 27 ms to 8.6, uint32 from 9.1 to 4.7.
constexpr size_t kAhead = 512;

static inline __attribute__((always_inline)) void fetch(const void* from, size_t bytes) {
  for (size_t i = 0; i < bytes; i += 64) {
    __builtin_prefetch(reinterpret_cast<const char*>(reinterpret_cast<uintptr_t>(from) + i));
  }
}

} // namespace mlx_schedules::cpu
