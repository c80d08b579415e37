// What the loops share.
#pragma once

#define MLXS_INLINED __attribute__((always_inline))
#if defined(__clang__)
#define MLXS_INDEPENDENT _Pragma("clang loop vectorize(assume_safety)")
#else
#define MLXS_INDEPENDENT _Pragma("GCC ivdep") // out may be step itself: same index, same width
#endif
