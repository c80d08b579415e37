// The loops of one instruction set, behind function pointers. kernels.cpp is compiled once per instruction set and
// includes nothing but this and the formula: a library's inline function compiled there for AVX-512 could otherwise be
// linked into code for older processors.
#pragma once

#include <cstddef>
#include <cstdint>

namespace mlx_schedules::cpu {

// A tile's hyperparameters are prepared once and reused by every row of steps that meets them.
constexpr int kTile = 256;  // 12 KiB of float hyperparameters, a quarter of the smallest L1 cache we know of
constexpr int kVector = 16; // floats in the widest vector

template <typename R>
struct alignas(64) Tile { // Segment<R>, one array per member
  uint64_t whole[kTile];
  uint32_t whole32[kTile]; // the same where T < 2^32
  R part[kTile], length_hi[kTile], length_lo[kTile], scale[kTile], rate_hi[kTile], rate_lo[kTile];
  R init[kTile], end[kTile], half_range_hi[kTile], half_range_lo[kTile];
  int integer_span, real_span; // the formula's Span that serves every entry
};

enum StepType { Uint8, Uint16, Uint32, Uint64, Int8, Int16, Int32, Int64, Half, Bfloat, Real32, Real64, kStepTypes };

using Loop32 = void (*)(const void* step, void* out, size_t n, const Tile<float>& hyper);
using Loop64 = void (*)(const void* step, void* out, size_t n, const Tile<double>& hyper);

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
  // from and to hold values on entry; the length is in `whole` (integers) or in `length_hi` (real)
  void (*prepare32)(Tile<float>& hyper, int n, bool real_length);
  void (*prepare64)(Tile<double>& hyper, int n, bool real_length);
  // out[i] = decay(step[i]) with entry 0 (uniform) or entry i (varying) of the tile. In place when out is step.
  // float16 and bfloat16 steps give their own type, every other float32.
  Loop32 uniform32[kStepTypes], varying32[kStepTypes];
  // float64 results, from int64, uint64 and float64 steps
  Loop64 uniform64[kStepTypes], varying64[kStepTypes];
};

extern const Kernels baseline;
#if defined(__x86_64__)
extern const Kernels avx2, avx512;
#endif

} // namespace mlx_schedules::cpu
