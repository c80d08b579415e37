// Macros that the loops share.
#pragma once

#define MLXS_INLINED __attribute__((always_inline))
#if defined(__clang__)
#define MLXS_INDEPENDENT _Pragma("clang loop vectorize(assume_safety)")
#else
#define MLXS_INDEPENDENT _Pragma("GCC ivdep") // though out may be step: same index, same width
#endif
