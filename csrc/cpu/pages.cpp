#include "cpu/pages.h"

#include <cstdint>

#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace mlx_schedules::cpu {

void advise_huge_pages([[maybe_unused]] void* data, [[maybe_unused]] size_t bytes) {
#if defined(__linux__) // macOS has 16 KiB pages and no such advice
  constexpr uintptr_t huge = uintptr_t(2) << 20;
  if (bytes < 2 * huge) {
    return;
  }
  auto begin = (reinterpret_cast<uintptr_t>(data) + huge - 1) & ~(huge - 1);
  auto end = (reinterpret_cast<uintptr_t>(data) + bytes) & ~(huge - 1);
  madvise(reinterpret_cast<void*>(begin), end - begin, MADV_HUGEPAGE); // only a hint, which may fail
#endif
}

} // namespace mlx_schedules::cpu
