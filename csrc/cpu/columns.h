// The loops over a tile of steps against one column, behind function pointers; see kernels.h for why.
#pragma once

#include "cpu/kernels.h"
#include "ease/list.h"

namespace mlx_schedules::cpu {

template <typename R>
struct alignas(64) Times { // numbers of steps, by member of kernels/clock.h's Time
  uint64_t whole[kTile], fraction[kTile];
  R hi[kTile], lo[kTile];
};

// Everything of an entry of a column, by member: type, array, place in kernels/column.h's Segment or Start.
#define MLXS_COLUMN_MEMBERS(X)                                      \
  X(uint64_t, whole, segment.clock.length.steps.whole)              \
  X(uint64_t, length_fraction, segment.clock.length.steps.fraction) \
  X(R, length_hi, segment.clock.length.value.hi)                    \
  X(R, length_lo, segment.clock.length.value.lo)                    \
  X(R, scale, segment.clock.scale)                                  \
  X(R, per_step_hi, segment.clock.per_step.hi)                      \
  X(R, per_step_lo, segment.clock.per_step.lo)                      \
  X(uint64_t, inverse, segment.clock.inverse)                       \
  X(R, rate_hi, segment.rate.hi)                                    \
  X(R, rate_lo, segment.rate.lo)                                    \
  X(R, parameter_hi, segment.parameter.hi)                          \
  X(R, parameter_lo, segment.parameter.lo)                          \
  X(R, init, segment.init)                                          \
  X(R, end, segment.end)                                            \
  X(R, half_range_hi, segment.half_range.hi)                        \
  X(R, half_range_lo, segment.half_range.lo)                        \
  X(uint64_t, begin, start.begin)                                   \
  X(uint64_t, less, start.less)                                     \
  X(uint64_t, more, start.more)                                     \
  X(uint64_t, fraction, start.fraction)                             \
  X(uint64_t, begin_fraction, start.begin_fraction)                 \
  X(uint64_t, lead, start.lead)                                     \
  X(uint64_t, lead_fraction, start.lead_fraction)                   \
  X(R, real_begin_hi, start.real_begin.hi)                          \
  X(R, real_begin_lo, start.real_begin.lo)                          \
  X(R, origin_hi, start.origin.hi)                                  \
  X(R, origin_lo, start.origin.lo)                                  \
  X(R, real_lead_hi, start.real_lead.hi)                            \
  X(R, real_lead_lo, start.real_lead.lo)

// Which positions a loop reads, and how it counts: integers where begin, lead and length are whole; reals; or steps to
// 2^-64. Inside: as narrow, where every step has reached the begin.
enum Way { kInside, kNarrow, kWide32, kWide64, kReal, kExact, kWays };

template <typename R>
struct alignas(64) ColumnTile {
#define MLXS_MEMBER(type, name, place) type name[kTile];
  MLXS_COLUMN_MEMBERS(MLXS_MEMBER)
#undef MLXS_MEMBER
  Way way; // the cheapest for integer steps that serves every entry
};

template <typename R>
struct alignas(64) Positions { // steps, as the loops take them
  const uint32_t* small;       // where they lie, or `held`
  uint32_t held[kTile];
  uint64_t large[kTile], fraction[kTile]; // the latter of exact ones alone
  R hi[kTile], lo[kTile];                 // of exact ones hi is what 2^-64 does not hold, or NaN
};

template <typename R>
struct ColumnKernels {
  // What `times` holds (integers in whole and fraction, or reals in hi and what they lack in lo) as Time.
  void (*read_times)(Times<R>& times, int n, bool real);
  void (*prepare[kEases])(
      ColumnTile<R>& tile, int n, const Times<R>& begin, const Times<R>& lead, const Times<R>& length);
  // Contiguous steps of any type, as small (to 32 bits), large or real positions.
  void (*read[kStepTypes])(const void* step, int n, Positions<R>& to);
  void (*widen)(Positions<R>& positions, int n);  // small to large
  void (*narrow)(Positions<R>& positions, int n); // large, none of which needs more than 32 bits, to small
  void (*large_to_exact)(Positions<R>& positions, int n);
  void (*real_to_exact)(Positions<R>& positions, int n);
  // Positions modulo the period, from begin on; entry 0 or entry i of the times. Large ones if those are whole.
  void (*fold_large)(Positions<R>& positions, int n, const Times<R>& begin, const Times<R>& period, bool uniform);
  void (*fold_real)(Positions<R>& positions, int n, const Times<R>& begin, const Times<R>& period, bool uniform);
  void (*fold_exact)(Positions<R>& positions, int n, const Times<R>& begin, const Times<R>& period, bool uniform);
  // The least and the largest position; NaN is least of all.
  void (*bounds_small)(const Positions<R>& positions, int n, uint64_t* least, uint64_t* most);
  void (*bounds_large)(const Positions<R>& positions, int n, uint64_t* least, uint64_t* most);
  void (*bounds_real)(const Positions<R>& positions, int n, R* least, R* most);
  // Puts `column` into `at` where its begin is reached; entry 0 or entry i of the times.
  void (*mark[kWays])(const Positions<R>& positions, int n, const Times<R>& begin, bool uniform, int column, int* at);
  void (*blend)(const R* from, int n, const int* at, int column, R* to); // where `at` is the column
  void (*evaluate[kEases][kWays][2])(const Positions<R>& positions, int vectors, const ColumnTile<R>& tile, R* out);
  void (*store[kStepTypes])(const R* from, int n, void* to); // rounded to float16 or bfloat16
};

struct ColumnTable {
  ColumnKernels<float> narrow;
  ColumnKernels<double> wide;
};

extern const ColumnTable baseline_columns;
#if defined(__x86_64__)
extern const ColumnTable avx2_columns, avx512_columns;
#endif

} // namespace mlx_schedules::cpu
