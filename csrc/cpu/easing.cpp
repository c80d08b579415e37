// Loops that prepare a column and compute its values at a tile of steps. Compiled once per instruction set, like
// kernels.cpp.
#include <type_traits>

#include "cpu/columns.h"
#include "cpu/fetch.h"
#include "cpu/names.h"

namespace mlx_schedules::cpu {
namespace {

#include "cpu/prelude.h"
//
#include "cpu/entry.h"
#include "cpu/loops.h"

// The union of the bits of all entries: it is below a power of two if all of them are. Unlike maxima, unions vectorise.
struct Bits {
  uint64_t lengths = 0, last = 0; // whole lengths, and those less 1
  uint64_t starts = 0, more = 0;  // `more` is not 0 if a lead exceeds its begin
  uint64_t lengths_fraction = 0, fractions = 0;
};

template <typename R>
MLXS_FN Bits bits_of(const ColumnTile<R>& t, int n) {
  Bits b;
  for (int i = 0; i < n; i++) {
    b.lengths |= t.whole[i];
    b.last |= t.whole[i] > 0 ? t.whole[i] - 1 : 0;
    b.starts |= t.begin[i] | t.less[i] | t.more[i] | t.lead[i];
    b.more |= t.more[i];
    b.lengths_fraction |= t.length_fraction[i];
    b.fractions |= t.fraction[i] | t.lead_fraction[i];
  }
  return b;
}

// Whether a single R is enough for real steps in every entry; see single_steps_into.
template <typename R>
MLXS_FN bool narrow_reals(const ColumnTile<R>& t, int n) {
  int32_t wide = 0;
  for (int i = 0; i < n; i++) {
    Pair<R> origin = {t.origin_hi[i], t.origin_lo[i]}, length = {t.length_hi[i], t.length_lo[i]};
    bool narrow = (t.real_begin_lo[i] == R(0)) & (t.real_lead_lo[i] == R(0)) & single(origin, length);
    wide |= narrow ? 0 : 1;
  }
  return wide == 0;
}

template <typename E, typename R>
void choose_ways(ColumnTile<R>& t, int n) {
  constexpr bool ends = E::counts == int(Count::Nearer), lengths = E::counts == int(Count::Lengths);
  Bits b = bits_of(t, n);
  bool narrow = b.last >> 25 == 0;
  bool led = b.more != 0; // the largest steps may then overflow 32 bits, which only eases that end can ignore
  t.real = ends && narrow_reals(t, n) ? kRealNarrow : kReal;
  bool words = (b.starts | (ends ? b.lengths | (b.lengths + 1) : 0)) >> 31 == 0 && !led && !lengths;
  t.exact = words ? kWords : kExact;
  uint64_t fractions = b.fractions | b.lengths_fraction;
  if (fractions == 0) {
    bool wide = (b.starts | b.lengths) >> 32 || (!ends && led);
    bool inside = !wide && !led && (narrow || !ends);
    t.before = wide ? kWide64 : (ends && narrow ? kNarrow : kWide32);
    t.past = inside && (ends || sizeof(R) == 4) ? kInside : t.before;
  } else {
    int digits = 64 - __builtin_ctzll(fractions);
    bool dyadic = ends && digits < 24 && narrow && b.lengths + 2 <= (1u << 25) >> digits;
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
  int32_t moved = 0;
  for (int i = 0; i < n; i++) {
    t.begun = t.begin[i] > t.begun ? t.begin[i] : t.begun;
  }
  for (int i = 0; i < n; i++) {
    moved |= t.origin_hi[i] != R(0) ? 1 : 0;
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
  int32_t others = 0;
  for (int i = 0; i < n; i++) {
    others |= has_zero_end(entry<false>(t, i).segment) ? 0 : 1;
  }
  t.zero_end = others == 0;
  choose_ways<E>(t, n);
  if (t.past == kDyadic || t.past == kFraction) {
    prepare_offsets(t, n);
  }
}

#undef MLXS_STORE

template <typename E>
using WeightOf = decltype(E::weight(Elapsed<float>{}, Pair<float>{}, Pair<float>{}));
template <typename E>
constexpr bool stays = std::is_same_v<Unchanged<float>, WeightOf<E>>;
template <typename E>
constexpr bool blends = std::is_same_v<Weight<float>, WeightOf<E>>;

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

// Calls loop.operator()<zero_end>(). For segments that start or end at 0, as most do, a loop of their own takes 4
// operations fewer out of some 50.
template <typename E, typename R, typename F>
MLXS_FN void with_zero_end(const ColumnTile<R>& tile, F loop) {
  if constexpr (blends<E> && sizeof(R) == 4) { // float64 is rare, and loops take room
    if (tile.zero_end) {
      return loop.template operator()<true>();
    }
  }
  loop.template operator()<false>();
}

template <typename E, bool zero_end, typename R>
MLXS_FN R value_of(Elapsed<R> elapsed, const Segment<R>& s) {
  if constexpr (zero_end) {
    return finish_with_zero_end(E::weight(elapsed, s.rate, s.parameter), s);
  } else {
    return value_at<E>(elapsed, s);
  }
}

// 7 operations fewer, out of some 52, than if steps could be before the begin.
template <typename E, bool Varying, typename S, typename R>
void inside(const S* step, int vectors, const ColumnTile<R>& tile, R* out) {
  with_zero_end<E>(tile, [=, &tile]<bool zero_end>() MLXS_INLINED {
    each<Varying, true>(step, vectors, tile, out, [](S s, const Entry<R>& e) MLXS_INLINED {
      uint32_t n = clipped<uint32_t>(s) - uint32_t(e.start.less);
      if constexpr (stays<E>) { // an integer step is never NaN
        return e.segment.init;
      } else if constexpr (blends<E>) {
        return value_of<E, zero_end>(elapsed_narrow(n, e.segment.clock), e.segment);
      } else {
        return value_on<E, Span::Narrow>(n, e.segment);
      }
    });
  });
}

template <typename E, bool Varying, typename R>
void reals(const R* step, int vectors, const ColumnTile<R>& tile, R* out) {
  with_zero_end<E>(tile, [=, &tile]<bool zero_end>() MLXS_INLINED {
    each<Varying, false>(step, vectors, tile, out, [](R s, const Entry<R>& e) MLXS_INLINED {
      return value_of<E, zero_end>(elapsed_real_narrow(s, e.segment.clock), e.segment);
    });
  });
}

MLXS_FN bool counted_from_first(float n) {
  return bits<int32_t>(n) >= 0;
}
MLXS_FN bool counted_from_first(double n) {
  return bits<int64_t>(n) >= 0;
}

template <typename E, bool Pairs, bool Varying, bool zero_end, typename R>
MLXS_FN void values_of(const Counted<R>& counted, int vectors, const ColumnTile<R>& tile, R* out) {
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
        out[i] = value_of<E, zero_end>(Elapsed<R>{n, first}, e.segment);
      }
    }
  }
}

template <typename E, bool Pairs, bool Varying, typename R>
void values(const Counted<R>& counted, int vectors, const ColumnTile<R>& tile, R* out) {
  if constexpr (Pairs) {
    values_of<E, true, Varying, false>(counted, vectors, tile, out);
  } else {
    with_zero_end<E>(tile, [=, &counted, &tile]<bool zero_end>() MLXS_INLINED {
      values_of<E, false, Varying, zero_end>(counted, vectors, tile, out);
    });
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
