// The loops that evaluate one column at a tile of steps, behind function pointers; kernels.h says why.
#pragma once

#include "cpu/kernels.h"
#include "ease/list.h"

namespace mlx_schedules::cpu {

// The members of Times: type, name, and the member of kernels/clock.h's Time that it holds. 8-byte types come first.
#define MLXS_TIME_MEMBERS(X)            \
  X(uint64_t, whole, steps.whole)       \
  X(uint64_t, fraction, steps.fraction) \
  X(R, hi, value.hi)                    \
  X(R, lo, value.lo)

template <typename R>
struct Times { // arrays of numbers of steps, with one for each entry of the hyperparameters
#define MLXS_MEMBER(type, name, place) type* name;
  MLXS_TIME_MEMBERS(MLXS_MEMBER)
#undef MLXS_MEMBER
};

// The members of ColumnTile: type, name, and the member that it holds of kernels/segment.h's Segment and of
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

// Likewise, for kernels/cpu/fractions.h's Offset.
#define MLXS_OFFSET_MEMBERS(X)            \
  X(uint32_t, limit, offset.limit)        \
  X(uint32_t, left, offset.left)          \
  X(uint32_t, later, offset.later)        \
  X(R, part_hi, offset.part.hi)           \
  X(R, part_lo, offset.part.lo)           \
  X(R, part_left_hi, offset.part_left.hi) \
  X(R, part_left_lo, offset.part_left.lo)

// How steps are counted. Ways before kWide32 give single numbers, the others pairs.
enum Way {
  kInside,     // integers past the begin; begin, lead and length are whole and small
  kNarrow,     // the same for integers on both sides of the begin
  kDyadic,     // integers past the begin; begin, lead and length have fractions, but one R holds every distance
  kRealNarrow, // reals, where one R holds every distance
  kWide32,     // integers; begin, lead and length are whole and below 2^32
  kWide64,     // integers; begin, lead and length are whole
  kFraction,   // integers past the begin; begin, lead and length have any fractions
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
  // The cheapest way that suits every entry: for integers that may be before the begin, for integers past the begin,
  // for reals, and for exact steps past the begin.
  Way before, past, real, exact;
  uint64_t begun; // from this step on, every entry has begun
  bool plain;     // begin and lead are 0
  bool zero_end;  // every entry starts or ends at 0, as has_zero_end says
};

// What the steps of a tile are: integers below 2^32; any integers; reals; steps to 2^-64, in words if below 2^31 and
// otherwise exact.
enum Kind { kSmallSteps, kLargeSteps, kRealSteps, kWordSteps, kExactSteps, kKinds };

template <typename R>
struct alignas(64) Positions {                   // the steps of a tile, in the forms that the loops take
  const uint32_t* small;                         // the steps in place, or `held`
  uint32_t held[kTile], high[kTile], low[kTile]; // words: the whole part, and 64 bits of fraction in `high` and `low`
  uint64_t large[kTile], fraction[kTile];        // large integers; exact steps also have a fraction
  R hi[kTile], lo[kTile];                        // reals; for words and exact steps lo is what is below 2^-64, or NaN
};

template <typename R>
struct alignas(64) Counted { // how far along a column each step is: an Elapsed
  R hi[kTile], lo[kTile];    // for an ease that ends, the sign of hi (also of -0) is set if counted from the second end
};

template <typename R>
struct Bounds { // the least and the largest step, as integers or as reals, where NaN counts as 0
  uint64_t whole[2];
  R real[2];
};

constexpr int kFloats = Half; // the first StepType that a result may have

template <typename R>
struct PositionKernels {
  // Completes `times`, of which integers have whole and fraction, and reals hi and, as their rests, lo.
  void (*read_times)(const Times<R>& times, int n, bool real);
  void (*read_whole_times)(const Times<R>& times, int n); // the same for integers without fractions
  // Reads contiguous steps of any type: reals into `hi`, integers into `held` and, if one exceeds 32 bits, all of them
  // into `large` as well. Returns a number that is below 2^32 if all integers are.
  uint64_t (*read[kStepTypes])(const void* step, int n, Positions<R>& to);
  void (*widen)(Positions<R>& positions, int n); // from small to large
  void (*large_to_exact)(Positions<R>& positions, int n);
  bool (*real_to_words)(Positions<R>& positions, int n); // returns false if words don't hold all steps
  void (*words_to_exact)(Positions<R>& positions, int n);
  void (*real_to_exact)(Positions<R>& positions, int n);
  // Fold steps into the period that starts at `begin`. Step i uses entry i of the times, or entry 0 if `uniform`.
  // fold_large needs whole times; it also sets `held`, and returns what `read` returns. fold_exact also sets the words,
  // and returns whether they hold all steps.
  uint64_t (*fold_large)(Positions<R>& positions, int n, const Times<R>& begin, const Times<R>& period, bool uniform);
  void (*fold_real)(Positions<R>& positions, int n, const Times<R>& begin, const Times<R>& period, bool uniform);
  bool (*fold_exact)(Positions<R>& positions, int n, const Times<R>& begin, const Times<R>& period, bool uniform);
  void (*bounds[kKinds])(const Positions<R>& positions, int n, Bounds<R>& bounds);
  // Sets at[i] to `column` if step i has reached the column's begin, entry i of the times, or entry 0 if `uniform`.
  // Steps in words must have been converted to exact steps.
  void (*mark[kKinds])(const Positions<R>& positions, int n, const Times<R>& begin, bool uniform, int column, int* at);
  void (*blend)(const R* from, int n, const int* at, int column, R* to); // copies value i if at[i] is the column
  void (*store[kStepTypes - kFloats])(const R* from, int n, void* to);   // rounds to the type of the output
};

constexpr int kCounts = 3; // of the enum Count in kernels/clock.h

// Steps are counted in one loop and eased in another, so that there is one loop for each way and one for each ease
// rather than one for each combination, which halves the code. The most frequent ways also have loops that do both,
// which saves 5 % of the time. All loops take whole vectors, and their last index tells whether entries vary from step
// to step.
template <typename R>
struct CountKernels {
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
  // The second index tells whether `counted` holds pairs.
  void (*values[kEases][2][2])(const Counted<R>& counted, int vectors, const ColumnTile<R>& tile, R* out);
  // Loops that do both: `inside` for kInside, only in float; `reals` for kRealNarrow in plain columns, only for eases
  // that end.
  void (*inside[kEases][2])(const uint32_t* step, int vectors, const ColumnTile<R>& tile, R* out);
  void (*inside_signed[kEases])(const int32_t* step, int vectors, const ColumnTile<R>& tile, R* out); // for one entry
  void (*reals[kEases][2])(const R* step, int vectors, const ColumnTile<R>& tile, R* out);
};

} // namespace mlx_schedules::cpu
