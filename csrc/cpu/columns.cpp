// Loops over tiles of steps against one column. Compiled once per instruction set, as kernels.cpp is.
#include "cpu/columns.h"

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

template <typename R>
MLXS_FN Entry<R> entry(const ColumnTile<R>& t, int i) {
  Entry<R> e;
#define MLXS_LOAD(type, name, place) e.place = t.name[i];
  MLXS_COLUMN_MEMBERS(MLXS_LOAD)
  return e;
}

template <typename R>
MLXS_FN void keep(ColumnTile<R>& t, int i, const Entry<R>& e) {
#define MLXS_STORE(type, name, place) t.name[i] = e.place;
  MLXS_COLUMN_MEMBERS(MLXS_STORE)
}

template <typename R>
MLXS_FN Time<R> time_at(const Times<R>& t, int i) {
  return {{t.whole[i], t.fraction[i]}, {t.hi[i], t.lo[i]}};
}

template <typename R>
void read_times(Times<R>& t, int n, bool real) {
  for (int i = 0; i < n; i++) {
    Time<R> time =
        real ? with_rest(real_time(t.hi[i]), t.lo[i]) : with_fraction(integer_time<R>(t.whole[i]), t.fraction[i]);
    t.whole[i] = time.steps.whole;
    t.fraction[i] = time.steps.fraction;
    t.hi[i] = time.value.hi;
    t.lo[i] = time.value.lo;
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
  t.way = cheapest(t, n, E::counts != int(Count::Nearer));
}

template <typename R>
MLXS_FN void put(Positions<R>& p, int i, uint32_t step) {
  if constexpr (sizeof(R) == 8) {
    p.large[i] = step;
  } else {
    p.held[i] = step;
  }
}
template <typename R>
MLXS_FN void put(Positions<R>& p, int i, uint64_t step) {
  p.large[i] = step;
}

template <typename S, typename R>
void read(const void* step, int n, Positions<R>& p) {
  auto s = static_cast<const S*>(step);
  MLXS_INDEPENDENT
  for (int i = 0; i < n; i++) {
    if constexpr (!is_integer<S>) {
      p.hi[i] = finite_step(R(s[i]));
      p.lo[i] = R(0);
    } else if constexpr (sizeof(S) == 8) {
      put(p, i, clipped<uint64_t>(s[i]));
    } else {
      put(p, i, clipped<uint32_t>(s[i]));
    }
  }
}

template <typename R>
void widen(Positions<R>& p, int n) {
  for (int i = 0; i < n; i++) {
    p.large[i] = p.small[i];
  }
}

template <typename R>
void narrow(Positions<R>& p, int n) {
  for (int i = 0; i < n; i++) {
    p.held[i] = uint32_t(p.large[i]);
  }
  p.small = p.held;
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
void fold_large(Positions<R>& p, int n, const Times<R>& begin, const Times<R>& period, bool uniform) {
  for (int i = 0; i < n; i++) {
    int k = uniform ? 0 : i;
    p.large[i] = folded(p.large[i], begin.whole[k], period.whole[k]);
  }
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
MLXS_FN void bounds(const U* p, int n, uint64_t* least, uint64_t* most) {
  U low = p[0], high = p[0];
  for (int i = 1; i < n; i++) {
    low = p[i] < low ? p[i] : low;
    high = p[i] > high ? p[i] : high;
  }
  *least = low;
  *most = high;
}

template <typename R>
void bounds_small(const Positions<R>& p, int n, uint64_t* least, uint64_t* most) {
  bounds(p.small, n, least, most);
}

template <typename R>
void bounds_large(const Positions<R>& p, int n, uint64_t* least, uint64_t* most) {
  bounds(p.large, n, least, most);
}

template <typename R>
void bounds_real(const Positions<R>& p, int n, R* least, R* most) {
  R infinity = R(1) / R(0), low = infinity, high = -infinity;
  for (int i = 0; i < n; i++) {
    R s = p.hi[i] == p.hi[i] ? p.hi[i] : -infinity;
    low = s < low ? s : low;
    high = s > high ? s : high;
  }
  *least = low;
  *most = high;
}

// Whole steps reach the whole begin at or above the begin; the largest never counts, since a begin there is never.
template <Way way, typename R>
MLXS_FN bool reached(const Positions<R>& p, int i, const Times<R>& begin, int k) {
  if constexpr (way == kReal) {
    return begun(Pair<R>{p.hi[i], p.lo[i]}, Pair<R>{begin.hi[k], begin.lo[k]});
  } else if constexpr (way == kExact) {
    return begun(Steps{p.large[i], p.fraction[i]}, Steps{begin.whole[k], begin.fraction[k]});
  } else {
    uint64_t step = way == kWide64 ? p.large[i] : p.small[i];
    return step >= begin.whole[k] + (begin.fraction[k] > 0) && begin.whole[k] != ~uint64_t(0);
  }
}

template <Way way, typename R>
void mark(const Positions<R>& p, int n, const Times<R>& begin, bool uniform, int column, int* at) {
  for (int i = 0; i < n; i++) {
    at[i] = reached<way>(p, i, begin, uniform ? 0 : i) ? column : at[i];
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
  if constexpr (way == kReal) {
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
  const Entry<R> first = entry(tile, 0);
  for (int begin = 0; begin < vectors * kVector; begin += kVector) {
    if constexpr (!Varying && (way == kInside || way == kNarrow)) { // a line of each at a time: many at once wait
      fetch(p.small + begin + kAhead, 64);
      fetch(out + begin + kAhead, 64);
    }
    MLXS_INDEPENDENT
    for (int i = begin; i < begin + kVector; i++) {
      out[i] = value<E, way>(p, i, Varying ? entry(tile, i) : first);
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

template <typename E, typename R>
constexpr void fill(ColumnKernels<R>& k, int ease) {
  k.prepare[ease] = prepare_column<E, R>;
  if constexpr (sizeof(R) == 4) {
    k.evaluate[ease][kInside][0] = evaluate<E, kInside, false, R>;
    k.evaluate[ease][kNarrow][0] = evaluate<E, kNarrow, false, R>;
    k.evaluate[ease][kNarrow][1] = evaluate<E, kNarrow, true, R>;
    k.evaluate[ease][kWide32][0] = evaluate<E, kWide32, false, R>;
    k.evaluate[ease][kWide32][1] = evaluate<E, kWide32, true, R>;
  }
  k.evaluate[ease][kWide64][0] = evaluate<E, kWide64, false, R>;
  k.evaluate[ease][kWide64][1] = evaluate<E, kWide64, true, R>;
  k.evaluate[ease][kReal][0] = evaluate<E, kReal, false, R>;
  k.evaluate[ease][kReal][1] = evaluate<E, kReal, true, R>;
  k.evaluate[ease][kExact][0] = evaluate<E, kExact, false, R>;
  k.evaluate[ease][kExact][1] = evaluate<E, kExact, true, R>;
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
  k.narrow = narrow<R>;
  k.large_to_exact = large_to_exact<R>;
  k.real_to_exact = real_to_exact<R>;
  k.fold_large = fold_large<R>;
  k.fold_real = fold_real<R>;
  k.fold_exact = fold_exact<R>;
  k.bounds_small = bounds_small<R>;
  k.bounds_large = bounds_large<R>;
  k.bounds_real = bounds_real<R>;
  k.mark[kNarrow] = mark<kNarrow, R>;
  k.mark[kWide64] = mark<kWide64, R>;
  k.mark[kReal] = mark<kReal, R>;
  k.mark[kExact] = mark<kExact, R>;
  k.blend = blend<R>;
  k.store[Real32] = store<float, R>;
  k.store[Real64] = store<double, R>;
  if constexpr (sizeof(R) == 4) {
    k.store[Half] = store<Float16, R>;
    k.store[Bfloat] = store<BFloat16, R>;
  }
#define MLXS_FILL(type, ...) fill<type>(k, k##type);
  MLXS_EASES(MLXS_FILL)
  return k;
}

} // namespace

#define MLXS_JOINED_(a, b) a##b
#define MLXS_JOINED(a, b) MLXS_JOINED_(a, b)
extern const ColumnTable MLXS_JOINED(MLXS_ISA, _columns) = {make<float>(), make<double>()};

} // namespace mlx_schedules::cpu
