// Loops over tiles of steps against one column. Compiled once per instruction set, as kernels.cpp is.
#include "cpu/columns.h"

#include <type_traits>

#include "cpu/fetch.h"

namespace mlx_schedules::cpu {
namespace {

#include "cpu/prelude.h"
//
#include "column.h"
#include "cpu/half.h"
#include "cpu/loops.h"

template <typename R>
struct Entry {
  Segment<R> segment;
  Start<R> start;
};

template <Way way, typename R>
MLXS_FN Entry<R> entry(const ColumnTile<R>& t, int i) {
  Entry<R> e;
#define MLXS_LOAD(type, name, place) e.place = t.name[i];
  MLXS_COLUMN_MEMBERS(MLXS_LOAD)
#undef MLXS_LOAD
  if constexpr (way == kInside) {
    e.segment.clock.length.steps.whole = t.whole32[i];
    e.start.less = t.less32[i];
  }
  return e;
}

template <typename R>
MLXS_FN void keep(ColumnTile<R>& t, int i, const Entry<R>& e) {
#define MLXS_STORE(type, name, place) t.name[i] = e.place;
  MLXS_COLUMN_MEMBERS(MLXS_STORE)
#undef MLXS_STORE
}

template <typename R>
MLXS_FN Time<R> time_at(const Times<R>& t, int i) {
  Time<R> time;
#define MLXS_LOAD(type, name, place) time.place = t.name[i];
  MLXS_TIME_MEMBERS(MLXS_LOAD)
#undef MLXS_LOAD
  return time;
}

template <typename R>
void read_times(const Times<R>& t, int n, bool real) {
  for (int i = 0; i < n; i++) {
    Time<R> time =
        real ? with_rest(real_time(t.hi[i]), t.lo[i]) : with_fraction(integer_time<R>(t.whole[i]), t.fraction[i]);
#define MLXS_STORE(type, name, place) t.name[i] = time.place;
    MLXS_TIME_MEMBERS(MLXS_STORE)
#undef MLXS_STORE
  }
}

template <typename R>
Way cheapest(const ColumnTile<R>& t, int n, bool endless) {
  uint64_t largest = 0, length = 0;
  bool fractions = false;
  bool led = false; // beyond the begin: the largest steps leave 32 bits, which only a segment that ends may ignore
  for (int i = 0; i < n; i++) {
    length = t.whole[i] > length ? t.whole[i] : length;
    uint64_t starts = t.begin[i] | t.less[i] | t.more[i] | t.lead[i];
    largest = starts > largest ? starts : largest;
    led |= t.more[i] != 0;
    fractions |= (t.length_fraction[i] | t.fraction[i] | t.lead_fraction[i]) != 0;
  }
  if (fractions) {
    return kExact;
  }
  if (largest >> 32 || length >> 32 || (endless && led)) {
    return kWide64;
  }
  return length > (1u << 25) ? kWide32 : kNarrow;
}

// Whether one R holds everything that a real step meets: see single_column_value.
template <typename R>
Way cheapest_real(const ColumnTile<R>& t, int n) {
  bool narrow = true;
  for (int i = 0; i < n; i++) {
    Pair<R> origin = {t.origin_hi[i], t.origin_lo[i]}, length = {t.length_hi[i], t.length_lo[i]};
    narrow &= t.real_begin_lo[i] == R(0) && t.real_lead_lo[i] == R(0) && single(origin, length);
  }
  return narrow ? kRealNarrow : kReal;
}

template <typename E, typename R>
void prepare_column(ColumnTile<R>& t, int n, const Times<R>& begin, const Times<R>& lead, const Times<R>& length) {
  MLXS_INDEPENDENT
  for (int i = 0; i < n; i++) {
    Pair<R> parameter = fast_two_sum(t.parameter_hi[i], t.parameter_lo[i]);
    keep(t,
         i,
         Entry<R>{prepare<E>(time_at(length, i), t.init[i], t.end[i], parameter),
                  start(time_at(begin, i), time_at(lead, i))});
  }
  t.begun = 0;
  for (int i = 0; i < n; i++) {
    t.whole32[i] = uint32_t(t.whole[i]);
    t.less32[i] = uint32_t(t.less[i]);
    uint64_t begun = t.more[i] ? ~uint64_t(0) : t.begin[i];
    t.begun = begun > t.begun ? begun : t.begun;
  }
  bool ends = E::counts == int(Count::Nearer);
  t.way = cheapest(t, n, !ends);
  t.real_way = ends ? cheapest_real(t, n) : kReal;
}

template <typename S, typename R>
uint64_t read(const void* step, int n, Positions<R>& p) {
  auto s = static_cast<const S*>(step);
  uint64_t any = 0;
  MLXS_INDEPENDENT
  for (int i = 0; i < n; i++) {
    if constexpr (!is_integer<S>) {
      p.hi[i] = finite_step(R(s[i]));
      p.lo[i] = R(0);
    } else if constexpr (sizeof(S) == 8) {
      uint64_t whole = clipped<uint64_t>(s[i]);
      p.large[i] = whole;
      p.held[i] = uint32_t(whole);
      any |= whole;
    } else {
      p.held[i] = clipped<uint32_t>(s[i]);
      if constexpr (sizeof(R) == 8) {
        p.large[i] = p.held[i];
      }
    }
  }
  return any;
}

template <typename R>
void widen(Positions<R>& p, int n) {
  for (int i = 0; i < n; i++) {
    p.large[i] = p.small[i];
  }
}

template <typename R>
void large_to_exact(Positions<R>& p, int n) {
  for (int i = 0; i < n; i++) {
    p.fraction[i] = 0;
    p.hi[i] = R(0);
  }
}

template <typename R>
void real_to_exact(Positions<R>& p, int n) {
  for (int i = 0; i < n; i++) {
    Exact<R> x = exact(p.hi[i]);
    p.large[i] = x.steps.whole;
    p.fraction[i] = x.steps.fraction;
    p.hi[i] = x.more;
  }
}

template <typename R>
uint64_t fold_large(Positions<R>& p, int n, const Times<R>& begin, const Times<R>& period, bool uniform) {
  uint64_t any = 0;
  for (int i = 0; i < n; i++) {
    int k = uniform ? 0 : i;
    p.large[i] = folded(p.large[i], begin.whole[k], period.whole[k]);
    p.held[i] = uint32_t(p.large[i]);
    any |= p.large[i];
  }
  return any;
}

template <typename R>
void fold_real(Positions<R>& p, int n, const Times<R>& begin, const Times<R>& period, bool uniform) {
  for (int i = 0; i < n; i++) {
    int k = uniform ? 0 : i;
    Pair<R> x =
        folded(Pair<R>{p.hi[i], p.lo[i]}, Pair<R>{begin.hi[k], begin.lo[k]}, Pair<R>{period.hi[k], period.lo[k]});
    p.hi[i] = x.hi;
    p.lo[i] = x.lo;
  }
}

template <typename R>
void fold_exact(Positions<R>& p, int n, const Times<R>& begin, const Times<R>& period, bool uniform) {
  for (int i = 0; i < n; i++) {
    int k = uniform ? 0 : i;
    Steps x = folded<R>(Steps{p.large[i], p.fraction[i]},
                        Steps{begin.whole[k], begin.fraction[k]},
                        Steps{period.whole[k], period.fraction[k]});
    p.large[i] = x.whole;
    p.fraction[i] = x.fraction;
  }
}

template <typename U>
MLXS_FN void whole_bounds(const U* p, int n, uint64_t* to) {
  U low = p[0], high = p[0];
  for (int i = 1; i < n; i++) {
    low = p[i] < low ? p[i] : low;
    high = p[i] > high ? p[i] : high;
  }
  to[0] = low;
  to[1] = high;
}

template <Kind kind, typename R>
void bounds(const Positions<R>& p, int n, Bounds<R>& to) {
  if constexpr (kind == kSmallSteps) {
    whole_bounds(p.small, n, to.whole);
  } else if constexpr (kind != kRealSteps) {
    whole_bounds(p.large, n, to.whole);
  } else {
    // Floats from 0 on are in order as integers, whose least and largest vectors find.
    using I = std::conditional_t<sizeof(R) == 8, int64_t, int32_t>;
    I low = bits<I>(R(1) / R(0)), high = 0;
    for (int i = 0; i < n; i++) {
      I s = bits<I>(p.hi[i] == p.hi[i] ? p.hi[i] : R(0));
      low = s < low ? s : low;
      high = s > high ? s : high;
    }
    to.real[0] = bits<R>(low);
    to.real[1] = bits<R>(high);
  }
}

// Whole steps reach the whole begin at or above the begin; the largest never counts, since a begin there is never.
template <Kind kind, typename R>
MLXS_FN bool reached(const Positions<R>& p, int i, const Times<R>& begin, int k) {
  if constexpr (kind == kRealSteps) {
    return begun(Pair<R>{p.hi[i], p.lo[i]}, Pair<R>{begin.hi[k], begin.lo[k]});
  } else if constexpr (kind == kExactSteps) {
    return begun(Steps{p.large[i], p.fraction[i]}, Steps{begin.whole[k], begin.fraction[k]});
  } else {
    uint64_t step = kind == kLargeSteps ? p.large[i] : p.small[i];
    return step >= begin.whole[k] + (begin.fraction[k] > 0) && begin.whole[k] != ~uint64_t(0);
  }
}

template <Kind kind, typename R>
void mark(const Positions<R>& p, int n, const Times<R>& begin, bool uniform, int column, int* at) {
  for (int i = 0; i < n; i++) {
    at[i] = reached<kind>(p, i, begin, uniform ? 0 : i) ? column : at[i];
  }
}

template <typename R>
void blend(const R* from, int n, const int* at, int column, R* to) {
  for (int i = 0; i < n; i++) {
    to[i] = at[i] == column ? from[i] : to[i];
  }
}

template <typename E, Way way, typename R>
MLXS_FN R value(const Positions<R>& p, int i, const Entry<R>& e) {
  if constexpr (way == kRealNarrow) {
    return single_column_value<E>(p.hi[i], e.start, e.segment);
  } else if constexpr (way == kReal) {
    return real_column_value<E>(Pair<R>{p.hi[i], p.lo[i]}, e.start, e.segment);
  } else if constexpr (way == kExact) {
    return exact_column_value<E>(Exact<R>{{p.large[i], p.fraction[i]}, p.hi[i]}, e.start, e.segment);
  } else if constexpr (way == kWide64) {
    return column_value<E, Span::Wide64>(p.large[i], e.start, e.segment);
  } else if constexpr (way == kInside) { // 7 operations fewer of some 52
    return value_on<E, Span::Narrow>(p.small[i] - uint32_t(e.start.less), e.segment);
  } else {
    return column_value<E, way == kNarrow ? Span::Narrow : Span::Wide32>(p.small[i], e.start, e.segment);
  }
}

// Whole vectors, the last one filled up: with loops for what is left over the code was twice as large.
template <typename E, Way way, bool Varying, typename R>
void evaluate(const Positions<R>& p, int vectors, const ColumnTile<R>& tile, R* out) {
  const Entry<R> first = entry<way>(tile, 0);
  for (int begin = 0; begin < vectors * kVector; begin += kVector) {
    if constexpr (!Varying && (way == kInside || way == kNarrow)) { // a line of each at a time: many at once wait
      fetch(p.small + begin + kAhead, 64);
      fetch(out + begin + kAhead, 64);
    }
    MLXS_INDEPENDENT
    for (int i = begin; i < begin + kVector; i++) {
      out[i] = value<E, way>(p, i, Varying ? entry<way>(tile, i) : first);
    }
  }
}

template <typename Out, typename R>
void store(const R* from, int n, void* to) {
  auto out = static_cast<Out*>(to);
  MLXS_INDEPENDENT
  for (int i = 0; i < n; i++) {
    out[i] = rounded<Out>(from[i]);
  }
}

template <typename E, Way way, typename R>
constexpr void fill(ColumnKernels<R>& k, int ease) {
  constexpr Way integers = sizeof(R) == 8 ? kWide64 : way, reals = E::counts == int(Count::Nearer) ? way : kReal;
  constexpr Way served =
      way == kExact ? way : (way < kRealNarrow ? integers : reals); // double has one way for integers
  k.evaluate[ease][way][0] = evaluate<E, served, false, R>;
  k.evaluate[ease][way][1] = evaluate<E, served, true, R>;
}

template <typename E, typename R>
constexpr void fill_ease(ColumnKernels<R>& k, int ease) {
  k.prepare[ease] = prepare_column<E, R>;
  fill<E, kInside>(k, ease);
  fill<E, kNarrow>(k, ease);
  fill<E, kWide32>(k, ease);
  fill<E, kWide64>(k, ease);
  fill<E, kRealNarrow>(k, ease);
  fill<E, kReal>(k, ease);
  fill<E, kExact>(k, ease);
}

template <typename R>
constexpr ColumnKernels<R> make() {
  ColumnKernels<R> k{};
  k.read_times = read_times<R>;
  k.read[Uint8] = read<uint8_t, R>;
  k.read[Uint16] = read<uint16_t, R>;
  k.read[Uint32] = read<uint32_t, R>;
  k.read[Uint64] = read<uint64_t, R>;
  k.read[Int8] = read<int8_t, R>;
  k.read[Int16] = read<int16_t, R>;
  k.read[Int32] = read<int32_t, R>;
  k.read[Int64] = read<int64_t, R>;
  k.read[Half] = read<Float16, R>;
  k.read[Bfloat] = read<BFloat16, R>;
  k.read[Real32] = read<float, R>;
  k.read[Real64] = read<double, R>;
  k.widen = widen<R>;
  k.large_to_exact = large_to_exact<R>;
  k.real_to_exact = real_to_exact<R>;
  k.fold_large = fold_large<R>;
  k.fold_real = fold_real<R>;
  k.fold_exact = fold_exact<R>;
  k.bounds[kSmallSteps] = bounds<kSmallSteps, R>;
  k.bounds[kLargeSteps] = bounds<kLargeSteps, R>;
  k.bounds[kRealSteps] = bounds<kRealSteps, R>;
  k.bounds[kExactSteps] = bounds<kExactSteps, R>;
  k.mark[kSmallSteps] = mark<kSmallSteps, R>;
  k.mark[kLargeSteps] = mark<kLargeSteps, R>;
  k.mark[kRealSteps] = mark<kRealSteps, R>;
  k.mark[kExactSteps] = mark<kExactSteps, R>;
  k.blend = blend<R>;
  k.store[Half - kFloats] = store<Float16, R>;
  k.store[Bfloat - kFloats] = store<BFloat16, R>;
  k.store[Real32 - kFloats] = store<float, R>;
  k.store[Real64 - kFloats] = store<double, R>;
#define MLXS_FILL(type, ...) fill_ease<type>(k, k##type);
  MLXS_EASES(MLXS_FILL)
  return k;
}

} // namespace

#define MLXS_JOINED_(a, b) a##b
#define MLXS_JOINED(a, b) MLXS_JOINED_(a, b)
extern const ColumnTable MLXS_JOINED(MLXS_ISA, _columns) = // for kernels.cpp
    {make<float>(), make<double>()};

} // namespace mlx_schedules::cpu
