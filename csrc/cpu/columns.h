// The loops over a tile of steps against one column, behind function pointers; see kernels.h for why.
#pragma once

#include "cpu/kernels.h"
#include "ease/list.h"

namespace mlx_schedules::cpu {

// Numbers of steps, by member: type, array, place in kernels/clock.h's Time. Those of 8 bytes come first.
#define MLXS_TIME_MEMBERS(X)            \
  X(uint64_t, whole, steps.whole)       \
  X(uint64_t, fraction, steps.fraction) \
  X(R, hi, value.hi)                    \
  X(R, lo, value.lo)

template <typename R>
struct Times { // arrays, one entry each for every entry of the hyperparameters
#define MLXS_MEMBER(type, name, place) type* name;
  MLXS_TIME_MEMBERS(MLXS_MEMBER)
#undef MLXS_MEMBER
};

// Everything of an entry of a column, by member: type, array, place in kernels/segment.h's Segment, in
// kernels/column.h's Start.
#define MLXS_SEGMENT_MEMBERS(X)                                     \
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
  X(R, half_range_lo, segment.half_range.lo)
#define MLXS_START_MEMBERS(X)                       \
  X(uint64_t, begin, start.begin)                   \
  X(uint64_t, less, start.less)                     \
  X(uint64_t, more, start.more)                     \
  X(uint64_t, fraction, start.fraction)             \
  X(uint64_t, begin_fraction, start.begin_fraction) \
  X(uint64_t, lead, start.lead)                     \
  X(uint64_t, lead_fraction, start.lead_fraction)   \
  X(R, real_begin_hi, start.real_begin.hi)          \
  X(R, real_begin_lo, start.real_begin.lo)          \
  X(R, origin_hi, start.origin.hi)                  \
  X(R, origin_lo, start.origin.lo)                  \
  X(R, real_lead_hi, start.real_lead.hi)            \
  X(R, real_lead_lo, start.real_lead.lo)
#define MLXS_COLUMN_MEMBERS(X) MLXS_SEGMENT_MEMBERS(X) MLXS_START_MEMBERS(X)

// What kernels/cpu/fractions.h prepares of an entry, likewise.
#define MLXS_OFFSET_MEMBERS(X)            \
  X(uint32_t, limit, offset.limit)        \
  X(uint32_t, left, offset.left)          \
  X(uint32_t, later, offset.later)        \
  X(R, part_hi, offset.part.hi)           \
  X(R, part_lo, offset.part.lo)           \
  X(R, part_left_hi, offset.part_left.hi) \
  X(R, part_left_lo, offset.part_left.lo)

// How steps are counted. Those before kWide32 give single numbers, the others pairs.
enum Way {
  kInside,     // integers; begin, lead and length whole and small, every step past the begin
  kNarrow,     // the same with steps before the begin
  kDyadic,     // integers past the begin, fractions that one R holds beside every distance
  kRealNarrow, // reals, where one R holds every distance
  kWide32,     // integers; begin, lead and length whole and below 2^32
  kWide64,     // integers; begin, lead and length whole
  kFraction,   // integers past the begin, any fractions
  kReal,       // reals
  kWords,      // steps in words, past the begin
  kExact,      // steps to 2^-64
  kWays
};

template <typename R>
struct alignas(64) ColumnTile {
#define MLXS_MEMBER(type, name, place) type name[kTile];
  MLXS_COLUMN_MEMBERS(MLXS_MEMBER)
  MLXS_OFFSET_MEMBERS(MLXS_MEMBER)
#undef MLXS_MEMBER
  uint32_t whole32[kTile], less32[kTile];
  // The cheapest way that serves every entry: for integer steps before and past the begins, for reals, and for exact
  // steps past the begins.
  Way before, past, real, exact;
  uint64_t begun; // from this step on every entry has begun
  bool plain;     // begin and lead are 0
};

// Integers below 2^32; all integers; reals; fractional steps to 2^-64, below 2^31; all of those.
enum Kind { kSmallSteps, kLargeSteps, kRealSteps, kWordSteps, kExactSteps, kKinds };

template <typename R>
struct alignas(64) Positions {                   // steps, as the loops take them
  const uint32_t* small;                         // where they lie, or `held`
  uint32_t held[kTile], high[kTile], low[kTile]; // the latter of words: 64 bits of the fraction
  uint64_t large[kTile], fraction[kTile];        // the latter of exact ones alone
  R hi[kTile], lo[kTile];                        // of words and exact ones lo is what 2^-64 does not hold, or NaN
};

template <typename R>
struct alignas(64) Counted { // Elapsed: how far along a column each step is
  R hi[kTile], lo[kTile];    // of an ease with two ends hi is negative, -0 too, where counted from the second
};

template <typename R>
struct Bounds { // the least and the largest position: of integers or of reals, where NaN counts as 0
  uint64_t whole[2];
  R real[2];
};

constexpr int kFloats = Half; // the first StepType that a result may have

template <typename R>
struct PositionKernels {
  // What `times` holds (integers in whole and fraction, or reals in hi and what they lack in lo) as Time.
  void (*read_times)(const Times<R>& times, int n, bool real);
  void (*read_whole_times)(const Times<R>& times, int n); // of integers without fractions
  // Contiguous steps of any type: reals as such; integers in `held`, and in `large` where their type has 64 bits.
  // Returns a number that is below 2^32 where all integers are.
  uint64_t (*read[kStepTypes])(const void* step, int n, Positions<R>& to);
  void (*widen)(Positions<R>& positions, int n);          // small to large
  void (*large_to_exact)(Positions<R>& positions, int n); // and so on
  bool (*real_to_words)(Positions<R>& positions, int n);  // false where words do not hold them
  void (*words_to_exact)(Positions<R>& positions, int n);
  void (*real_to_exact)(Positions<R>& positions, int n);
  // Positions modulo the period, from begin on, by entry 0 or entry i of the times. Large ones where those are whole;
  // they are left in `held` too, and what reading returns is returned. Exact ones are left as words too, where those
  // hold them, which is returned.
  uint64_t (*fold_large)(Positions<R>& positions, int n, const Times<R>& begin, const Times<R>& period, bool uniform);
  void (*fold_real)(Positions<R>& positions, int n, const Times<R>& begin, const Times<R>& period, bool uniform);
  bool (*fold_exact)(Positions<R>& positions, int n, const Times<R>& begin, const Times<R>& period, bool uniform);
  void (*bounds[kKinds])(const Positions<R>& positions, int n, Bounds<R>& bounds);
  // Puts `column` into `at` where its begin is reached; entry 0 or entry i of the times. Words as exact ones.
  void (*mark[kKinds])(const Positions<R>& positions, int n, const Times<R>& begin, bool uniform, int column, int* at);
  void (*blend)(const R* from, int n, const int* at, int column, R* to); // where `at` is the column
  void (*store[kStepTypes - kFloats])(const R* from, int n, void* to);   // rounded
};

constexpr int kCounts = 3; // of kernels/clock.h

// Steps are counted in one loop and eased in another, so that there is one loop for each way and one for each ease, not
// for each way of each ease: half of the code. The most frequent ways have loops that do both, which saves 5 % of the
// time.
template <typename R>
struct CountKernels { // of whole vectors
  void (*count[kCounts][kWays][2])(const Positions<R>& positions,
                                   int vectors,
                                   const ColumnTile<R>& tile,
                                   Counted<R>& to);
};

template <typename R>
struct EaseKernels {
  uint8_t counts[kEases];
  void (*prepare[kEases])(
      ColumnTile<R>& tile, int n, const Times<R>& begin, const Times<R>& lead, const Times<R>& length);
  // Single numbers, pairs.
  void (*values[kEases][2][2])(const Counted<R>& counted, int vectors, const ColumnTile<R>& tile, R* out);
  // kInside; none in double. kRealNarrow where `plain`, of eases that end.
  void (*inside[kEases][2])(const uint32_t* step, int vectors, const ColumnTile<R>& tile, R* out);
  void (*inside_signed[kEases])(const int32_t* step, int vectors, const ColumnTile<R>& tile, R* out); // uniform
  void (*reals[kEases][2])(const R* step, int vectors, const ColumnTile<R>& tile, R* out);
};

} // namespace mlx_schedules::cpu
