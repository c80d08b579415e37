// The loops of one instruction set, behind function pointers. What is compiled once per instruction set includes
// nothing but these declarations and the formulas: a library's inline function compiled there for AVX-512 could
// otherwise be linked into code for older processors.
#pragma once

#include <cstddef>
#include <cstdint>

namespace mlx_schedules::cpu {

// A tile's hyperparameters are prepared once and reused by every row of steps that meets them.
constexpr int kTile = 256;  // 9 KiB of what a cosine's float hyperparameters come to, of 32 in the smallest L1 cache
constexpr int kVector = 16; // floats in the widest vector

enum StepType { Uint8, Uint16, Uint32, Uint64, Int8, Int16, Int32, Int64, Half, Bfloat, Real32, Real64, kStepTypes };

template <typename R>
struct PositionKernels; // of columns.h
template <typename R>
struct CountKernels;
template <typename R>
struct EaseKernels;

template <template <typename> typename K>
struct Both {
  K<float> narrow;
  K<double> wide;
};

struct Kernels {
  const char* name;
  const Both<PositionKernels>* positions;
  const Both<CountKernels>* counting;
  const Both<EaseKernels>* easing;
};

extern const Kernels baseline;
#if defined(__x86_64__)
extern const Kernels avx2, avx512;
#endif

} // namespace mlx_schedules::cpu
