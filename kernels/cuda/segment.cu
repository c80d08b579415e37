// Schedules of one segment from step 0 on whose ease has no parameter, compiled by NVRTC. The body of a kernel calls
// `by_value`, `contiguous` or `general`. E is the ease; `whole` tells whether lengths are integers. The kernels for
// columns would take 1.05 times as long for contiguous steps and 1.7 times as long for a grid of steps and groups
// (H200).

namespace mlx_schedules {

#include "operands.h"
//
#include "numbers.h"

template <typename E, typename Operands>
MLXS_FN Segment<float> segment_of(const Operands& o) {
  return prepare<E>(time_of(o, kLength, kLengthRest, 0), value_of(o, kInit, 0), value_of(o, kEnd, 0));
}

template <typename S>
MLXS_FN Span span_of(const Segment<float>& d) {
  return is_integer<S> ? integer_span(d.clock.length) : real_span(d.clock.length);
}

// zero_end: the span is Narrow and has_zero_end(d).
template <typename E, Span span, bool whole, bool zero_end = false, typename S>
MLXS_FN float evaluate(S step, const Segment<float>& d) {
  constexpr bool ends = E::counts == int(Count::Nearer);
  if constexpr (zero_end) {
    return finish_with_zero_end(E::weight(elapsed_narrow(clipped<uint32_t>(step), d.clock), d.rate, d.parameter), d);
  } else if constexpr (ends && is_integer<S> && whole && span == Span::Wide32) {
    // 230 instructions for 4 steps; integer_value would take 254.
    return value_at<E>(elapsed_whole(clipped<uint32_t>(step), d.clock), d);
  } else if constexpr (is_integer<S>) {
    return integer_value<E, span>(step, d);
  } else {
    return real_value<E, span>(float(step), d);
  }
}

template <typename E, Span span, bool whole, bool zero_end = false, typename S, typename O>
MLXS_FN void evaluate(const Four<S>& step, Four<O>& y, const Segment<float>& d) {
#pragma unroll
  for (int j = 0; j < 4; j++) {
    y.x[j] = O(evaluate<E, span, whole, zero_end>(step.x[j], d));
  }
}

// Evaluates a thread's Fours, one for each turn of its block. `left` is the number of Fours from the thread's first to
// the end of the block's run; `s` is that first Four, already read. At 32 registers every multiprocessor holds as many
// threads as it can. Two Fours a turn kept more reads in flight but took 44 registers and were slower (0.90 of a copy's
// speed).
template <typename E, Span span, bool whole, typename S, typename O>
MLXS_FN void run(const Four<S>* from, Four<O>* to, int left, Four<S> s, const Segment<float>& d) {
  for (; left > 0; left -= blockDim.x) {
    Four<O> y;
    evaluate<E, span, whole>(s, y, d);
    *to = y;
    from += blockDim.x;
    to += blockDim.x;
    if (left > blockDim.x) {
      s = *from;
    }
  }
}

// The numbers of one segment, passed by value by the host, which also knows their span. There are fewer than 2^33
// contiguous steps, which start at the boundary of a Four. A run for each block, as below, and 64-bit indices would
// make 2^28 steps 2 % slower.
template <typename E, Span span, bool whole, typename S, typename O, typename Strides>
MLXS_FN void by_value(const S* step, O* out, const Strides& strides) {
  static_assert(sizeof(Numbers) <= sizeof(Strides), "the strides hold the numbers");
  const Numbers& numbers = reinterpret_cast<const Numbers&>(strides);
  const Segment<float> d = segment_of(numbers);
  auto* from = reinterpret_cast<const Four<S>*>(step);
  auto* to = reinterpret_cast<Four<O>*>(out);
  uint32_t fours = numbers.count / 4, threads = gridDim.x * blockDim.x;
  for (uint32_t i = blockIdx.x * blockDim.x + threadIdx.x; i < fours; i += threads) {
    Four<S> s = from[i];
    Four<O> y;
    evaluate<E, span, whole>(s, y, d);
    to[i] = y;
  }
  if (blockIdx.x == 0 && threadIdx.x < numbers.count % 4) {
    uint64_t last = numbers.count / 4 * 4 + threadIdx.x;
    out[last] = O(evaluate<E, span, whole>(step[last], d));
  }
}

// One value of each operand, in memory. The contiguous steps start at the boundary of a Four.
template <typename E, int present, int types, typename S, typename O, typename Shape>
MLXS_FN void contiguous(const S* step, O* out, const void* const* data, int ndim, const Shape& shape) {
  auto o = operands<O, present, types>(data);
  constexpr bool whole = decltype(o)::type(kLength) != kFloat32;
  int64_t n = size_of(ndim, shape);
  auto* from = reinterpret_cast<const Four<S>*>(step);
  BlockRun block = run_of_block(n / 4);
  int64_t first = block.first + threadIdx.x;
  int left = int(min(block.length, n / 4 - block.first)) - int(threadIdx.x);
  Four<S> s;
  if (left > 0) {
    s = from[first]; // in flight while the segment is prepared: 0.97 of a copy's speed instead of 0.95
  }
  // One thread prepares for its block. This reaches 0.97 of a copy's speed instead of 0.95; for T > 2^25, 0.88 instead
  // of 0.85.
  __shared__ Segment<float> once;
  if (threadIdx.x == 0) {
    once = segment_of<E>(o);
  }
  __syncthreads();
  const Segment<float> d = once;
  by_span(span_of<S>(d),
          [&](auto at) { run<E, at.span, whole>(from + first, reinterpret_cast<Four<O>*>(out) + first, left, s, d); });
  __syncthreads(); // keeps the compiler from mixing the rest into the loops: 32 registers instead of 40
  if (int64_t last = n / 4 * 4 + threadIdx.x; blockIdx.x == 0 && last < n) { // Wide64 suits any segment
    out[last] = O(evaluate<E, Span::Wide64, whole>(step[last], once));
  }
}

// Elements i, i + by, ... below end, whose steps lie `apart` from each other. in_fours: the steps are adjacent and
// start at the boundary of a Four. Each element takes 47 instructions, with zero_end 43, without in_fours 52.
template <typename E, Span span, bool whole, bool in_fours, bool zero_end, typename I, typename S, typename O>
MLXS_FN void run(const S* step, int64_t apart, O* out, I i, I end, I by, const Segment<float>& d) {
  for (; i + 3 * by < end; i += 4 * by, step += 4 * apart) {
    Four<S> s;
    if constexpr (in_fours) {
      s = *reinterpret_cast<const Four<S>*>(step);
    } else {
#pragma unroll
      for (int j = 0; j < 4; j++) {
        s.x[j] = step[j * apart];
      }
    }
    Four<O> y;
    evaluate<E, span, whole, zero_end>(s, y, d);
#pragma unroll
    for (int j = 0; j < 4; j++) {
      out[i + j * by] = y.x[j];
    }
  }
  for (; i < end; i += by, step += apart) {
    out[i] = O(evaluate<E, span, whole, zero_end>(*step, d));
  }
}

// Any strides. I is the type that counts elements.
template <typename E, int present, int types, typename I, typename S, typename O, typename Shape, typename Strides>
MLXS_FN void general(const S* step,
                     O* out,
                     const void* const* data,
                     int ndim, // including an axis of one column
                     const Shape& shape,
                     const Strides* const* strides) {
  auto o = operands<O, present, types>(data);
  constexpr bool whole = decltype(o)::type(kLength) != kFloat32;
  bool same = true;
#pragma unroll
  for (int k = kInit; k <= kEnd; k++) {
    same = same && (*strides[k])[0] == 0;
  }
  Walk<I> w = walk_of<I>(ndim - 1, shape, same);
  for (I i = w.first; i < w.end; i += w.stride) {
    int64_t at[kEnd + 1] = {};
    places<kEnd + 1, present>(i, ndim - 1, shape, strides, at);
#pragma unroll
    for (int k = kInit; k <= kEnd; k++) {
      o.at[k] = at[k];
    }
    const Segment<float> d = segment_of<E>(o);
    const S* from = step + at[kStep];
    int64_t apart = int64_t(w.entries) * (*strides[kStep])[0];
    bool in_fours = apart == 1 && reinterpret_cast<uint64_t>(from) % sizeof(Four<S>) == 0;
    I last = min(w.n, i + w.length);
    by_span(span_of<S>(d), [&](auto it) {
      constexpr bool weighs = E::counts == int(Count::Nearer) && !E::multiplies && !IsUnchanged<E>::value;
      constexpr bool narrow = is_integer<S> && it.span == Span::Narrow && weighs; // others share one loop, to save code
      if (narrow && in_fours && has_zero_end(d)) {
        run<E, it.span, whole, narrow, narrow>(from, 1, out, i, last, w.by, d);
      } else if (narrow && in_fours) {
        run<E, it.span, whole, narrow, false>(from, 1, out, i, last, w.by, d);
      } else {
        run<E, it.span, whole, false, false>(from, apart, out, i, last, w.by, d);
      }
    });
  }
}

} // namespace mlx_schedules
