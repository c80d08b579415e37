// Schedules of one segment from step 0 on whose ease has no parameter, compiled by NVRTC. The body of a kernel calls
// `contiguous` or `general`. E is the ease; S, T and O are the dtypes of step, length and output; init and end have
// dtype O. The kernels for columns would take 1.05 times as long for contiguous steps and 1.7 times as long for a grid
// of steps and groups (H200).

namespace mlx_schedules {

#include "prelude.h"
//
#include "../segment.h"
#include "steps.h"

template <typename T>
MLXS_FN Time<float> read_time(T t) {
  if constexpr (T(0.5f) != T(0)) {
    return real_time(float(t));
  } else {
    return integer_time<float>(t > T(0) ? uint64_t(t) : uint64_t(0));
  }
}

template <typename S>
MLXS_FN Span span_of(const Segment<float>& d) {
  return is_integer<S> ? integer_span(d.clock.length) : real_span(d.clock.length);
}

// zero_end: the span is Narrow and has_zero_end(d).
template <typename E, Span span, typename T, bool zero_end = false, typename S>
MLXS_FN float evaluate(S step, const Segment<float>& d) {
  constexpr bool ends = E::counts == int(Count::Nearer);
  if constexpr (zero_end) {
    return finish_with_zero_end(E::weight(elapsed_narrow(clipped<uint32_t>(step), d.clock), d.rate, d.parameter), d);
  } else if constexpr (ends && is_integer<S> && is_integer<T> && span == Span::Wide32) {
    // 230 instructions for 4 steps; integer_value would take 254.
    return value_at<E>(elapsed_whole(clipped<uint32_t>(step), d.clock), d);
  } else if constexpr (is_integer<S>) {
    return integer_value<E, span>(step, d);
  } else {
    return real_value<E, span>(float(step), d);
  }
}

template <typename E, Span span, typename T, bool zero_end = false, typename S, typename O>
MLXS_FN void evaluate(const Four<S>& step, Four<O>& y, const Segment<float>& d) {
#pragma unroll
  for (int j = 0; j < 4; j++) {
    y.x[j] = O(evaluate<E, span, T, zero_end>(step.x[j], d));
  }
}

// Evaluates a thread's Fours, one for each turn of its block. `left` is the number of Fours from the thread's first to
// the end of the block's run; `s` is that first Four, already read. At 32 registers every multiprocessor holds as many
// threads as it can. Two Fours a turn kept more reads in flight but took 44 registers and were slower (0.90 of a copy's
// speed).
template <typename E, Span span, typename T, typename S, typename O>
MLXS_FN void run(const Four<S>* from, Four<O>* to, int left, Four<S> s, const Segment<float>& d) {
  for (; left > 0; left -= blockDim.x) {
    Four<O> y;
    evaluate<E, span, T>(s, y, d);
    *to = y;
    from += blockDim.x;
    to += blockDim.x;
    if (left > blockDim.x) {
      s = *from;
    }
  }
}

// One value of each operand; contiguous steps that start at the boundary of a Four.
template <typename E, typename S, typename T, typename O>
MLXS_FN void contiguous(const S* step, const O* init, const T* length, const O* end, O* out, int64_t n) {
  // One thread prepares for its block. This reaches 0.97 of a copy's speed instead of 0.95; for T > 2^25, 0.88 instead
  // of 0.85.
  __shared__ Segment<float> once;
  auto* from = reinterpret_cast<const Four<S>*>(step);
  BlockRun block = run_of_block(n / 4);
  int64_t first = block.first + threadIdx.x;
  int left = int(min(block.length, n / 4 - block.first)) - int(threadIdx.x);
  Four<S> s;
  if (left > 0) {
    s = from[first]; // in flight while the segment is prepared: 0.97 of a copy's speed instead of 0.95
  }
  if (threadIdx.x == 0) {
    once = prepare<E>(read_time(*length), float(*init), float(*end));
  }
  __syncthreads();
  const Segment<float> d = once;
  by_span(span_of<S>(d),
          [&](auto at) { run<E, at.span, T>(from + first, reinterpret_cast<Four<O>*>(out) + first, left, s, d); });
  __syncthreads(); // keeps the compiler from mixing the rest into the loops: 32 registers instead of 40
  if (int64_t last = n / 4 * 4 + threadIdx.x; blockIdx.x == 0 && last < n) { // Wide64 suits any segment
    out[last] = O(evaluate<E, Span::Wide64, T>(step[last], once));
  }
}

// Elements i, i + by, ... below end, whose steps lie `apart` from each other. in_fours: the steps are adjacent and
// start at the boundary of a Four. Each element takes 47 instructions, with zero_end 43, without in_fours 52.
template <typename E, Span span, typename T, bool in_fours, bool zero_end, typename I, typename S, typename O>
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
    evaluate<E, span, T, zero_end>(s, y, d);
#pragma unroll
    for (int j = 0; j < 4; j++) {
      out[i + j * by] = y.x[j];
    }
  }
  for (; i < end; i += by, step += apart) {
    out[i] = O(evaluate<E, span, T, zero_end>(*step, d));
  }
}

// Any strides. I is the type that counts elements.
template <typename E, typename I, typename S, typename T, typename O, typename Shape, typename Strides>
MLXS_FN void general(const S* step,
                     const O* init,
                     const T* length,
                     const O* end,
                     O* out,
                     int ndim,
                     const Shape& shape,
                     const Strides& step_strides,
                     const Strides& init_strides,
                     const Strides& length_strides,
                     const Strides& end_strides) {
  const Strides* strides[] = {&step_strides, &init_strides, &length_strides, &end_strides};
  bool same = init_strides[0] == 0 && length_strides[0] == 0 && end_strides[0] == 0;
  Walk<I> w = walk_of<I>(ndim, shape, same);
  for (I i = w.first; i < w.end; i += w.stride) {
    int64_t at[4] = {0, 0, 0, 0};
    places<4, 0xf>(i, ndim, shape, strides, at);
    const Segment<float> d = prepare<E>(read_time(length[at[2]]), float(init[at[1]]), float(end[at[3]]));
    const S* from = step + at[0];
    int64_t apart = int64_t(w.entries) * step_strides[0];
    bool in_fours = apart == 1 && reinterpret_cast<uint64_t>(from) % sizeof(Four<S>) == 0;
    I last = min(w.n, i + w.length);
    by_span(span_of<S>(d), [&](auto it) {
      constexpr bool weighs = E::counts == int(Count::Nearer) && !E::multiplies && !IsUnchanged<E>::value;
      constexpr bool narrow = is_integer<S> && it.span == Span::Narrow && weighs; // others share one loop, to save code
      if (narrow && in_fours && has_zero_end(d)) {
        run<E, it.span, T, narrow, narrow>(from, 1, out, i, last, w.by, d);
      } else if (narrow && in_fours) {
        run<E, it.span, T, narrow, false>(from, 1, out, i, last, w.by, d);
      } else {
        run<E, it.span, T, false, false>(from, apart, out, i, last, w.by, d);
      }
    });
  }
}

} // namespace mlx_schedules
