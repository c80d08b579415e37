// Loops that prepare a column and compute its values at a tile of steps. Compiled once per instruction set, like
// kernels.cpp.
#include <type_traits>

#include "cpu/columns.h"
#include "cpu/names.h"

#include "cpu/fetch.h"

namespace mlx_schedules::cpu {
namespace {

#include "cpu/prelude.h"
//
#include "cpu/entry.h"
#include "cpu/loops.h"

struct Extent { // the largest numbers, and the union of the fractions, over all entries
  uint64_t length = 0, starts = 0, lengths_fraction = 0, fractions = 0;
  bool led =
      false; // a lead exceeds its begin: the largest steps overflow 32 bits, which only eases that end can ignore
};

template <typename R>
Extent extent(const ColumnTile<R>& t, int n) {
  Extent e;
  for (int i = 0; i < n; i++) {
    uint64_t starts = t.begin[i] | t.less[i] | t.more[i] | t.lead[i];
    e.length = t.whole[i] > e.length ? t.whole[i] : e.length;
    e.starts = starts > e.starts ? starts : e.starts;
    e.led |= t.more[i] != 0;
    e.lengths_fraction |= t.length_fraction[i];
    e.fractions |= t.fraction[i] | t.lead_fraction[i];
  }
  return e;
}

// Whether a single R is enough for real steps in every entry; see single_steps_into.
template <typename R>
bool narrow_reals(const ColumnTile<R>& t, int n) {
  bool narrow = true;
  for (int i = 0; i < n; i++) {
    Pair<R> origin = {t.origin_hi[i], t.origin_lo[i]}, length = {t.length_hi[i], t.length_lo[i]};
    narrow &= t.real_begin_lo[i] == R(0) && t.real_lead_lo[i] == R(0) && single(origin, length);
  }
  return narrow;
}

template <typename E, typename R>
void choose_ways(ColumnTile<R>& t, int n) {
  constexpr bool ends = E::counts == int(Count::Nearer), lengths = E::counts == int(Count::Lengths);
  Extent e = extent(t, n);
  bool narrow = e.length <= (1u << 25);
  t.real = ends && narrow_reals(t, n) ? kRealNarrow : kReal;
  bool words = (e.starts | (ends ? e.length + 1 : 0)) >> 31 == 0 && !e.led && !lengths;
  t.exact = words ? kWords : kExact;
  uint64_t fractions = e.fractions | e.lengths_fraction;
  if (fractions == 0) {
    bool wide = e.starts >> 32 || e.length >> 32 || (!ends && e.led);
    bool inside = !wide && !e.led && (narrow || !ends);
    t.before = wide ? kWide64 : (ends && narrow ? kNarrow : kWide32);
    t.past = inside && (ends || sizeof(R) == 4) ? kInside : t.before;
  } else {
    int digits = 64 - __builtin_ctzll(fractions);
    bool dyadic = ends && digits < 24 && e.length + 2 <= (1u << 25) >> digits;
    t.before = kExact;
    t.past = !words ? kExact : (dyadic ? kDyadic : kFraction);
  }
}

#define MLXS_STORE(type, name, place) t.name[i] = e.place;

template <typename R>
void prepare_starts(ColumnTile<R>& t, int n, const Times<R>& begin, const Times<R>& lead) {
  MLXS_INDEPENDENT
  for (int i = 0; i < n; i++) {
    Entry<R> e;
    e.start = start(time_at(begin, i), time_at(lead, i));
    MLXS_START_MEMBERS(MLXS_STORE)
    t.less32[i] = uint32_t(e.start.less);
  }
  t.begun = 0;
  bool moved = false;
  for (int i = 0; i < n; i++) {
    t.begun = t.begin[i] > t.begun ? t.begin[i] : t.begun;
    moved |= t.origin_hi[i] != R(0);
  }
  t.plain = t.begun == 0 && !moved;
}

template <typename R>
void prepare_offsets(ColumnTile<R>& t, int n) {
  for (int i = 0; i < n; i++) {
    Entry<R> e = entry<false>(t, i);
    e.offset = offset(e.start, e.segment.clock.length.steps);
    MLXS_OFFSET_MEMBERS(MLXS_STORE)
  }
}

template <typename E, typename R>
void prepare_column(ColumnTile<R>& t, int n, const Times<R>& begin, const Times<R>& lead, const Times<R>& length) {
  prepare_starts(t, n, begin, lead);
  MLXS_INDEPENDENT
  for (int i = 0; i < n; i++) {
    Entry<R> e;
    Pair<R> parameter = fast_two_sum(t.parameter_hi[i], t.parameter_lo[i]);
    e.segment = prepare<E>(time_at(length, i), t.init[i], t.end[i], parameter);
    MLXS_SEGMENT_MEMBERS(MLXS_STORE)
    t.whole32[i] = uint32_t(e.segment.clock.length.steps.whole);
  }
  choose_ways<E>(t, n);
  if (t.past == kDyadic || t.past == kFraction) {
    prepare_offsets(t, n);
  }
}

#undef MLXS_STORE

template <typename E>
constexpr bool stays =
    std::is_same_v<Unchanged<float>, decltype(E::weight(Elapsed<float>{}, Pair<float>{}, Pair<float>{}))>;

// Stores `value` of each step and its entry, in whole vectors as in counting.cpp.
template <bool Varying, bool narrow, typename S, typename R, typename F>
MLXS_FN void each(const S* step, int vectors, const ColumnTile<R>& tile, R* out, F value) {
  const Entry<R> first = entry<narrow>(tile, 0);
  for (int begin = 0; begin < vectors * kVector; begin += kVector) {
    if constexpr (!Varying) { // one cache line of each at a time: more fetches at once would stall
      fetch(step + begin + kAhead, kVector * sizeof(S));
      fetch(out + begin + kAhead, kVector * sizeof(R));
    }
    MLXS_INDEPENDENT
    for (int i = begin; i < begin + kVector; i++) {
      out[i] = value(step[i], Varying ? entry<narrow>(tile, i) : first);
    }
  }
}

// 7 operations fewer, out of some 52, than if steps could be before the begin.
template <typename E, bool Varying, typename S, typename R>
void inside(const S* step, int vectors, const ColumnTile<R>& tile, R* out) {
  each<Varying, true>(step, vectors, tile, out, [](S s, const Entry<R>& e) MLXS_INLINED {
    if constexpr (stays<E>) { // an integer step is never NaN
      return e.segment.init;
    } else {
      return value_on<E, Span::Narrow>(clipped<uint32_t>(s) - uint32_t(e.start.less), e.segment);
    }
  });
}

template <typename E, bool Varying, typename R>
void reals(const R* step, int vectors, const ColumnTile<R>& tile, R* out) {
  each<Varying, false>(step, vectors, tile, out, [](R s, const Entry<R>& e) MLXS_INLINED {
    return value_at<E>(elapsed_real_narrow(s, e.segment.clock), e.segment);
  });
}

MLXS_FN bool counted_from_first(float n) {
  return bits<int32_t>(n) >= 0;
}
MLXS_FN bool counted_from_first(double n) {
  return bits<int64_t>(n) >= 0;
}

template <typename E, bool Pairs, bool Varying, typename R>
void values(const Counted<R>& counted, int vectors, const ColumnTile<R>& tile, R* out) {
  constexpr bool ends = E::counts == int(Count::Nearer);
  const Entry<R> one = entry<false>(tile, 0);
  for (int begin = 0; begin < vectors * kVector; begin += kVector) {
    MLXS_INDEPENDENT
    for (int i = begin; i < begin + kVector; i++) {
      const Entry<R> e = Varying ? entry<false>(tile, i) : one;
      R n = ends ? size(counted.hi[i]) : counted.hi[i];
      bool first = !ends || counted_from_first(counted.hi[i]);
      if constexpr (Pairs) {
        out[i] = value_at<E>(Elapsed<Pair<R>>{{n, counted.lo[i]}, first}, e.segment);
      } else {
        out[i] = value_at<E>(Elapsed<R>{n, first}, e.segment);
      }
    }
  }
}

template <typename R>
struct Table : EaseKernels<R> {
  template <typename E>
  constexpr void fill(int ease) {
    this->counts[ease] = E::counts;
    this->prepare[ease] = prepare_column<E, R>;
    this->values[ease][1][0] = cpu::values<E, true, false, R>;
    this->values[ease][1][1] = cpu::values<E, true, true, R>;
    if constexpr (E::counts == int(Count::Nearer)) {
      this->values[ease][0][0] = cpu::values<E, false, false, R>;
      this->values[ease][0][1] = cpu::values<E, false, true, R>;
      this->reals[ease][0] = cpu::reals<E, false, R>;
      this->reals[ease][1] = cpu::reals<E, true, R>;
    }
    if constexpr (sizeof(R) == 4) {
      this->inside[ease][0] = cpu::inside<E, false, uint32_t, R>;
      this->inside[ease][1] = cpu::inside<E, true, uint32_t, R>;
      this->inside_signed[ease] = cpu::inside<E, false, int32_t, R>;
    }
  }

  constexpr Table() : EaseKernels<R>{} {
#define MLXS_FILL(type, ...) fill<type>(k##type);
    MLXS_EASES(MLXS_FILL)
#undef MLXS_FILL
  }
};

} // namespace

extern const Both<EaseKernels> MLXS_NAMED(easing) = {Table<float>(), Table<double>()};

} // namespace mlx_schedules::cpu
