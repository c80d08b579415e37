// The formula over contiguous runs, written as plain loops that compilers vectorise. Compiled once per instruction set
// with MLXS_ISA naming the table it defines; the flags are in CMakeLists.txt.
#include "cpu/columns.h"
#include "cpu/fetch.h"
#include "cpu/names.h"

namespace mlx_schedules::cpu {

extern const Both<PositionKernels> MLXS_NAMED(positions); // of positions.cpp, counting.cpp and easing.cpp
extern const Both<CountKernels> MLXS_NAMED(counting);
extern const Both<EaseKernels> MLXS_NAMED(easing);

namespace {

#include "cpu/prelude.h"
//
#include "cpu/half.h"
#include "cpu/loops.h"
#include "segment.h"

template <typename R> // `wide`: T may need 64 bits, which take 5 operations more to read, on top of 44
MLXS_FN Segment<R> entry(const Tile<R>& t, size_t i, bool wide) {
  return {{{{wide ? t.whole[i] : t.whole32[i], 0}, {t.length_hi[i], t.length_lo[i]}}, t.part[i], t.scale[i]},
          {t.rate_hi[i], t.rate_lo[i]},
          {},
          t.init[i],
          t.end[i],
          {t.half_range_hi[i], t.half_range_lo[i]}};
}

template <typename R, typename F>
MLXS_FN void prepare_each(Tile<R>& t, int n, F length) {
  MLXS_INDEPENDENT
  for (int i = 0; i < n; i++) {
    Segment<R> d = prepare<Cosine>(length(i), t.init[i], t.end[i]);
    t.whole[i] = d.clock.length.steps.whole;
    t.whole32[i] = uint32_t(d.clock.length.steps.whole);
    t.part[i] = d.clock.part;
    t.length_hi[i] = d.clock.length.value.hi;
    t.length_lo[i] = d.clock.length.value.lo;
    t.scale[i] = d.clock.scale;
    t.rate_hi[i] = d.rate.hi;
    t.rate_lo[i] = d.rate.lo;
    t.init[i] = d.init;
    t.end[i] = d.end;
    t.half_range_hi[i] = d.half_range.hi;
    t.half_range_lo[i] = d.half_range.lo;
  }
}

template <typename R>
void prepare_tile(Tile<R>& t, int n, bool real) {
  if (real) {
    prepare_each(t, n, [&](int i) MLXS_INLINED { return real_time(t.length_hi[i]); });
  } else {
    prepare_each(t, n, [&](int i) MLXS_INLINED { return integer_time<R>(t.whole[i]); });
  }
  uint64_t largest = 0;
  bool fractions = false, pairs = false;
  for (int i = 0; i < n; i++) {
    largest = t.whole[i] > largest ? t.whole[i] : largest;
    fractions |= t.part[i] != R(0);
    pairs |= t.length_lo[i] != R(0);
  }
  Time<R> widest{{largest, fractions}, {R(0), R(pairs)}};
  t.integer_span = int(integer_span(widest));
  t.real_span = int(real_span(widest));
}

constexpr size_t kBlock = 128;

template <typename S, typename Out, typename F>
MLXS_FN void each(const void* step, void* out, size_t n, F value) {
  auto s = static_cast<const S*>(step);
  auto y = static_cast<Out*>(out);
  for (size_t begin = 0; begin < n; begin += kBlock) {
    size_t end = n - begin < kBlock ? n : begin + kBlock;
    if (n - begin > kAhead) {
      fetch(s + begin + kAhead, kBlock * sizeof(S));
      fetch(y + begin + kAhead, kBlock * sizeof(Out));
    }
    MLXS_INDEPENDENT
    for (size_t i = begin; i < end; i++) {
      y[i] = rounded<Out>(value(s[i], i));
    }
  }
}

template <typename S, typename Out, typename R, bool Varying>
void run(const void* step, void* out, size_t n, const Tile<R>& tile) {
  const Segment<R> first = entry(tile, 0, true);
  auto all = [&](bool wide, auto value) MLXS_INLINED { // `value` of a step and its Segment
    each<S, Out>(
        step, out, n, [&](S s, size_t i) MLXS_INLINED { return value(s, Varying ? entry(tile, i, wide) : first); });
  };
  if constexpr (!is_integer<S>) {
    if (tile.real_span == int(Span::Narrow)) {
      return all(true, [](S s, Segment<R> d) MLXS_INLINED { return real_value<Cosine, Span::Narrow>(R(s), d); });
    }
    all(true, [](S s, Segment<R> d) MLXS_INLINED { return real_value<Cosine, Span::Wide64>(R(s), d); });
  } else if constexpr (sizeof(R) == 8) {
    all(true, [](S s, Segment<R> d) MLXS_INLINED { return integer_value<Cosine, Span::Wide64>(s, d); });
  } else if (tile.integer_span == int(Span::Narrow)) {
    all(false, [](S s, Segment<R> d) MLXS_INLINED { return integer_value<Cosine, Span::Narrow>(s, d); });
  } else if (tile.integer_span == int(Span::Wide32)) {
    all(false, [](S s, Segment<R> d) MLXS_INLINED { return integer_value<Cosine, Span::Wide32>(s, d); });
  } else {
    all(true, [](S s, Segment<R> d) MLXS_INLINED { return integer_value<Cosine, Span::Wide64>(s, d); });
  }
}

template <bool Varying>
constexpr void fill(Loop32* f, Loop64* d) {
  f[Uint8] = run<uint8_t, float, float, Varying>;
  f[Uint16] = run<uint16_t, float, float, Varying>;
  f[Uint32] = run<uint32_t, float, float, Varying>;
  f[Uint64] = run<uint64_t, float, float, Varying>;
  f[Int8] = run<int8_t, float, float, Varying>;
  f[Int16] = run<int16_t, float, float, Varying>;
  f[Int32] = run<int32_t, float, float, Varying>;
  f[Int64] = run<int64_t, float, float, Varying>;
  f[Half] = run<Float16, Float16, float, Varying>;
  f[Bfloat] = run<BFloat16, BFloat16, float, Varying>;
  f[Real32] = run<float, float, float, Varying>;
  d[Uint64] = run<uint64_t, double, double, Varying>;
  d[Int64] = run<int64_t, double, double, Varying>;
  d[Real64] = run<double, double, double, Varying>;
}

constexpr Kernels make(const char* name) {
  Kernels k{};
  k.name = name;
  k.positions = &MLXS_NAMED(positions);
  k.counting = &MLXS_NAMED(counting);
  k.easing = &MLXS_NAMED(easing);
  k.prepare32 = prepare_tile<float>;
  k.prepare64 = prepare_tile<double>;
  fill<false>(k.uniform32, k.uniform64);
  fill<true>(k.varying32, k.varying64);
  return k;
}

} // namespace

#define MLXS_STRING_(x) #x
#define MLXS_STRING(x) MLXS_STRING_(x)
extern const Kernels MLXS_ISA = make(MLXS_STRING(MLXS_ISA));

} // namespace mlx_schedules::cpu
