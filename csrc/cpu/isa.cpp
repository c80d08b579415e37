#include "cpu/isa.h"

#include <cstdlib>
#include <cstring>

namespace mlx_schedules::cpu {

#if defined(__x86_64__)

namespace {

const Kernels& choose() {
  __builtin_cpu_init();
  bool fma = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  bool wide = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
              __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
  // MLX_SCHEDULES_ISA lowers the choice, for tests and bug reports; it never raises it.
  const char* asked = std::getenv("MLX_SCHEDULES_ISA");
  auto wants = [&](const Kernels& k) { return asked && std::strcmp(asked, k.name) == 0; };
  if (!fma || wants(baseline)) {
    return baseline;
  }
  return wide && !wants(avx2) ? avx512 : avx2;
}

} // namespace

const Kernels& isa() {
  static const Kernels& chosen = choose();
  return chosen;
}

#else

const Kernels& isa() {
  return baseline;
}

#endif

} // namespace mlx_schedules::cpu
