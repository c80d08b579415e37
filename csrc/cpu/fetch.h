#pragma once

#include <cstddef>
#include <cstdint>

namespace mlx_schedules::cpu {

// Prefetches memory that will be read or written soon. Runs go through memory once, with 60 to 80 instructions per
// cache line, which is too many for the processor to look ahead far enough by itself. Fetching 512 steps ahead brought
// 10^7 float32 steps from 27 ms to 8.6, and uint32 steps from 9.1 ms to 4.7.
constexpr size_t kAhead = 512;

static inline __attribute__((always_inline)) void fetch(const void* from, size_t bytes) {
  for (size_t i = 0; i < bytes; i += 64) {
    __builtin_prefetch(reinterpret_cast<const char*>(reinterpret_cast<uintptr_t>(from) + i));
  }
}

} // namespace mlx_schedules::cpu
