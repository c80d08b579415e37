// Loops over a tile of steps that read them, fold them if the schedule repeats, find their columns, and store values.
// Compiled once per instruction set, like kernels.cpp.
#include <type_traits>

#include "cpu/columns.h"
#include "cpu/names.h"

namespace mlx_schedules::cpu {
namespace {

#include "cpu/prelude.h"
//
#include "cpu/entry.h"
#include "cpu/half.h"
#include "cpu/loops.h"

template <typename R>
void read_whole_times(const Times<R>& t, int n) {
  MLXS_INDEPENDENT
  for (int i = 0; i < n; i++) {
    Time<R> time = integer_time<R>(t.whole[i]);
    t.fraction[i] = 0;
    t.hi[i] = time.value.hi;
    t.lo[i] = time.value.lo;
  }
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
      p.held[i] = uint32_t(whole);
      any |= whole;
    } else {
      p.held[i] = clipped<uint32_t>(s[i]);
    }
  }
  if constexpr (is_integer<S> && sizeof(S) == 8) {
    for (int i = 0; any >> 32 && i < n; i++) {
      p.large[i] = clipped<uint64_t>(s[i]);
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
    p.lo[i] = R(0);
  }
}

template <typename R>
void real_to_exact(Positions<R>& p, int n) {
  for (int i = 0; i < n; i++) {
    Exact<R> x = exact(p.hi[i]);
    p.large[i] = x.steps.whole;
    p.fraction[i] = x.steps.fraction;
    p.lo[i] = x.more;
  }
}

template <typename R>
bool real_to_words(Positions<R>& p, int n) {
  if constexpr (sizeof(R) == 8) {
    return false;
  } else {
    int32_t beyond = 0;
    MLXS_INDEPENDENT
    for (int i = 0; i < n; i++) {
      bool large = p.hi[i] >= R(2147483648.0);
      beyond |= large;
      Fine<R> x = fine(large ? R(0) : p.hi[i]);
      p.held[i] = x.steps.whole;
      p.high[i] = x.steps.high;
      p.low[i] = x.steps.low;
      p.lo[i] = x.more;
    }
    return !beyond;
  }
}

template <typename R>
void words_to_exact(Positions<R>& p, int n) {
  for (int i = 0; i < n; i++) {
    p.large[i] = p.held[i];
    p.fraction[i] = uint64_t(p.high[i]) << 32 | p.low[i];
  }
}

// Folds a whole step into the period that starts at `begin`. A period of 0 means none.
inline uint64_t folded(uint64_t step, uint64_t begin, uint64_t period) {
  return step < begin || period == 0 ? step : begin + (step - begin) % period;
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
bool fold_exact(Positions<R>& p, int n, const Times<R>& begin, const Times<R>& period, bool uniform) {
  uint64_t any = 0;
  for (int i = 0; i < n; i++) {
    int k = uniform ? 0 : i;
    Steps x = folded<R>(Steps{p.large[i], p.fraction[i]},
                        Steps{begin.whole[k], begin.fraction[k]},
                        Steps{period.whole[k], period.fraction[k]});
    p.large[i] = x.whole;
    p.fraction[i] = x.fraction;
    p.held[i] = uint32_t(x.whole);
    p.high[i] = uint32_t(x.fraction >> 32);
    p.low[i] = uint32_t(x.fraction);
    any |= x.whole;
  }
  return any >> 31 == 0;
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
  } else if constexpr (kind == kWordSteps) {
    whole_bounds(p.held, n, to.whole);
  } else if constexpr (kind != kRealSteps) {
    whole_bounds(p.large, n, to.whole);
  } else {
    // Floats from 0 on have the same order as their bits, and the minimum and maximum of integers vectorise.
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

// Whole steps reach a begin when they reach it rounded up. A begin at the largest number means never.
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

template <typename Out, typename R>
void store(const R* from, int n, void* to) {
  auto out = static_cast<Out*>(to);
  MLXS_INDEPENDENT
  for (int i = 0; i < n; i++) {
    out[i] = rounded<Out>(from[i]);
  }
}

template <typename R>
constexpr PositionKernels<R> make() {
  PositionKernels<R> k{};
  k.read_times = read_times<R>;
  k.read_whole_times = read_whole_times<R>;
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
  k.real_to_words = real_to_words<R>;
  k.words_to_exact = words_to_exact<R>;
  k.real_to_exact = real_to_exact<R>;
  k.fold_large = fold_large<R>;
  k.fold_real = fold_real<R>;
  k.fold_exact = fold_exact<R>;
  k.bounds[kSmallSteps] = bounds<kSmallSteps, R>;
  k.bounds[kLargeSteps] = bounds<kLargeSteps, R>;
  k.bounds[kRealSteps] = bounds<kRealSteps, R>;
  k.bounds[kWordSteps] = bounds<kWordSteps, R>;
  k.bounds[kExactSteps] = bounds<kExactSteps, R>;
  k.mark[kSmallSteps] = mark<kSmallSteps, R>;
  k.mark[kLargeSteps] = mark<kLargeSteps, R>;
  k.mark[kRealSteps] = mark<kRealSteps, R>;
  k.mark[kWordSteps] = mark<kExactSteps, R>;
  k.mark[kExactSteps] = mark<kExactSteps, R>;
  k.blend = blend<R>;
  k.store[Half - kFloats] = store<Float16, R>;
  k.store[Bfloat - kFloats] = store<BFloat16, R>;
  k.store[Real32 - kFloats] = store<float, R>;
  k.store[Real64 - kFloats] = store<double, R>;
  return k;
}

} // namespace

extern const Both<PositionKernels> MLXS_NAMED(positions) = {make<float>(), make<double>()};

} // namespace mlx_schedules::cpu
