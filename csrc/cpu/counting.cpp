// Loops that find how far along a column the steps of a tile are. Compiled once per instruction set, like kernels.cpp.
#include "cpu/columns.h"
#include "cpu/names.h"

namespace mlx_schedules::cpu {
namespace {

#include "cpu/prelude.h"
//
#include "cpu/entry.h"
#include "cpu/loops.h"

template <Count counts, typename R, typename U>
MLXS_FN auto whole(U n, const Clock<R>& c) {
  if constexpr (counts == Count::Lengths) {
    return elapsed_lengths(n, c);
  } else if constexpr (counts == Count::Begin) {
    return elapsed_on(n, c);
  } else {
    return elapsed_whole(n, c);
  }
}

template <Count counts, typename R>
MLXS_FN auto real(Pair<R> n, const Clock<R>& c) {
  if constexpr (counts == Count::Lengths) {
    return elapsed_real_lengths(n, c);
  } else if constexpr (counts == Count::Begin) {
    return elapsed_real_on(n, c);
  } else {
    return elapsed_real(n, c);
  }
}

template <Count counts, typename R>
MLXS_FN auto exact(Exact<R> n, const Clock<R>& c) {
  if constexpr (counts == Count::Lengths) {
    return elapsed_exact_lengths(n.steps, n.more, c);
  } else if constexpr (counts == Count::Begin) {
    return elapsed_exact_on(n.steps, n.more, c);
  } else {
    return elapsed_exact(n.steps, n.more, c);
  }
}

template <Count counts, Way way, typename R>
MLXS_FN auto elapsed(const Positions<R>& p, int i, const Entry<R>& e) {
  auto& c = e.segment.clock;
  if constexpr (way == kInside) {
    return elapsed_narrow(p.small[i] - uint32_t(e.start.less), c);
  } else if constexpr (way == kNarrow) {
    return elapsed_narrow(whole_steps_into(p.small[i], e.start), c);
  } else if constexpr (way == kWide32) {
    return whole<counts>(whole_steps_into(p.small[i], e.start), c);
  } else if constexpr (way == kWide64) {
    return whole<counts>(whole_steps_into(p.large[i], e.start), c);
  } else if constexpr (way == kDyadic) {
    return elapsed_dyadic(p.small[i] - uint32_t(e.start.less), e.offset, c.scale);
  } else if constexpr (way == kFraction && counts == Count::Nearer) {
    return elapsed_fraction(p.small[i] - uint32_t(e.start.less), e.offset, c.scale);
  } else if constexpr (way == kFraction) {
    return elapsed_fraction_on(p.small[i] - uint32_t(e.start.less), e.offset, c.scale);
  } else if constexpr (way == kRealNarrow) {
    return elapsed_real_narrow(single_steps_into(p.hi[i], e.start), c);
  } else if constexpr (way == kReal) {
    return real<counts>(steps_into(Pair<R>{p.hi[i], p.lo[i]}, e.start), c);
  } else if constexpr (way == kWords) {
    Words n = less(Words{p.held[i], p.high[i], p.low[i]}, origin(e.start));
    if constexpr (counts == Count::Nearer) {
      return elapsed_words(n, p.lo[i], words(c.length.steps), c.scale);
    } else {
      return elapsed_words_on(n, p.lo[i], c.scale);
    }
  } else {
    return exact<counts>(steps_into(Exact<R>{{p.large[i], p.fraction[i]}, p.lo[i]}, e.start), c);
  }
}

template <Count counts, typename R>
MLXS_FN R sided(R n, bool first) { // size(n), because a step may be -0
  return counts != Count::Nearer ? n : (first ? size(n) : -size(n));
}
template <Count counts, typename R>
MLXS_FN void keep(Elapsed<R> e, int i, Counted<R>& to) {
  to.hi[i] = sided<counts>(e.n, e.first);
}
template <Count counts, typename R>
MLXS_FN void keep(Elapsed<Pair<R>> e, int i, Counted<R>& to) {
  to.hi[i] = sided<counts>(e.n.hi, e.first);
  to.lo[i] = e.n.lo;
}

// Counts whole vectors, past the last step if need be: loops for leftover steps made the code twice as large.
template <Count counts, Way way, bool Varying, typename R>
void count(const Positions<R>& p, int vectors, const ColumnTile<R>& tile, Counted<R>& to) {
  constexpr bool small = way == kInside || way == kDyadic || way == kFraction;
  const Entry<R> first = entry<small>(tile, 0);
  for (int begin = 0; begin < vectors * kVector; begin += kVector) {
    MLXS_INDEPENDENT
    for (int i = begin; i < begin + kVector; i++) {
      keep<counts>(elapsed<counts, way>(p, i, Varying ? entry<small>(tile, i) : first), i, to);
    }
  }
}

template <typename R>
struct Table : CountKernels<R> {
  template <Count counts, Way... ways>
  constexpr void fill() {
    ((this->count[int(counts)][ways][0] = cpu::count<counts, ways, false, R>,
      this->count[int(counts)][ways][1] = cpu::count<counts, ways, true, R>),
     ...);
  }

  constexpr Table() : CountKernels<R>{} {
    fill<Count::Nearer, kInside, kNarrow, kDyadic, kRealNarrow, kWide32, kWide64, kFraction, kReal, kWords, kExact>();
    fill<Count::Begin, kWide32, kWide64, kFraction, kReal, kWords, kExact>();
    fill<Count::Lengths, kWide32, kWide64, kReal, kExact>();
  }
};

} // namespace

extern const Both<CountKernels> MLXS_NAMED(counting) = {Table<float>(), Table<double>()};

} // namespace mlx_schedules::cpu
