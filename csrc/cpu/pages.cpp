#include "cpu/pages.h"

#if defined(__linux__)

#include <sys/mman.h>

#include <cstdint>

namespace mlx_schedules::cpu {

void advise_huge_pages(void* data, size_t bytes) {
  constexpr uintptr_t huge = uintptr_t(2) << 20;
  if (bytes < 2 * huge) {
    return;
  }
  auto begin = (reinterpret_cast<uintptr_t>(data) + huge - 1) & ~(huge - 1);
  auto end = (reinterpret_cast<uintptr_t>(data) + bytes) & ~(huge - 1);
  madvise(reinterpret_cast<void*>(begin), end - begin, MADV_HUGEPAGE); // only a hint, which may fail
}

} // namespace mlx_schedules::cpu

#else

namespace mlx_schedules::cpu {

void advise_huge_pages(void*, size_t) {} // macOS has 16 KiB pages and no such advice

} // namespace mlx_schedules::cpu

#endif
