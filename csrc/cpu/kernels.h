// The loops of one instruction set, behind function pointers. Files that are compiled once per instruction set include
// only these declarations and the formulas. If they included libraries, the linker could choose an inline function that
// was compiled there for AVX-512, even for code that runs on older processors.
#pragma once

#include <cstddef>
#include <cstdint>

namespace mlx_schedules::cpu {

// A tile's hyperparameters are prepared once and used by every row of steps that shares them.
constexpr int kTile = 256;  // a cosine's float hyperparameters take 9 KiB; the smallest L1 cache has 32
constexpr int kVector = 16; // floats in the widest vector

enum StepType { Uint8, Uint16, Uint32, Uint64, Int8, Int16, Int32, Int64, Half, Bfloat, Real32, Real64, kStepTypes };

template <typename R>
struct PositionKernels; // these are in columns.h
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
