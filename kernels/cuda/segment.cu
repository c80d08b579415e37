// Schedules of one segment from step 0 on whose ease has no parameter, for NVRTC: the body of a kernel calls
// `contiguous`, `line` or `general`. E is the ease; S, T and O are the dtypes of step, length and out; init and end
// have O. The kernels of columns take 1.05 times as long for contiguous steps and for a step of a few groups, and 1.7
// times as long for a grid of steps and groups (H200).

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

template <typename E, Span span, typename T, typename S>
MLXS_FN float evaluate(S step, const Segment<float>& d) {
  constexpr bool ends = E::counts == int(Count::Nearer);
  if constexpr (ends && is_integer<S> && is_integer<T> &&
                span == Span::Wide32) { // 230 instructions for 4 steps, not 254
    return value_at<E>(elapsed_whole(clipped<uint32_t>(step), d.clock), d);
  } else if constexpr (is_integer<S>) {
    return integer_value<E, span>(step, d);
  } else {
    return real_value<E, span>(float(step), d);
  }
}

template <typename E, Span span, typename T, typename S, typename O>
MLXS_FN Four<O> evaluate(const Four<S>& step, const Segment<float>& d) {
  Four<O> y;
#pragma unroll
  for (int j = 0; j < 4; j++) {
    y.x[j] = O(evaluate<E, span, T>(step.x[j], d));
  }
  return y;
}

struct Run { // a thread's
  int64_t i, end;
};

// From `s`, the four at r.i, on. 32 registers, so that every multiprocessor holds all the threads it can: two fours a
// turn took 44 and were slower, 0.90 of a copy's speed, with more in flight.
template <typename E, Span span, typename T, typename S, typename O>
MLXS_FN void run(const Four<S>* from, Four<O>* to, Run r, Four<S> s, const Segment<float>& d) {
  while (r.i < r.end) {
    to[r.i] = evaluate<E, span, T, S, O>(s, d);
    r.i += blockDim.x;
    if (r.i < r.end) {
      s = from[r.i];
    }
  }
}

// One value of each hyperparameter, contiguous steps from a four's boundary on.
template <typename E, typename S, typename T, typename O>
MLXS_FN void contiguous(const S* step, const O* init, const T* length, const O* end, O* out, int64_t n) {
  // One thread prepares for its block: 0.97 of a copy's speed, not 0.95; for T > 2^25 0.88, not 0.85.
  __shared__ Segment<float> once;
  auto* from = reinterpret_cast<const Four<S>*>(step);
  BlockRun block = run_of_block(n / 4);
  Run r = {block.first + threadIdx.x, min(block.first + block.length, n / 4)};
  Four<S> s;
  if (r.i < r.end) {
    s = from[r.i]; // under way while that is prepared: 0.97 of a copy's speed, not 0.95
  }
  if (threadIdx.x == 0) {
    once = prepare<E>(read_time(*length), float(*init), float(*end));
  }
  __syncthreads();
  const Segment<float> d = once;
  by_span(span_of<S>(d), [&](auto at) { run<E, at.span, T>(from, reinterpret_cast<Four<O>*>(out), r, s, d); });
  __syncthreads(); // else the compiler mixes what follows into the loops: 40 registers, not 32
  if (int64_t last = n / 4 * 4 + threadIdx.x; blockIdx.x == 0 && last < n) { // any span serves
    out[last] = O(evaluate<E, Span::Wide64, T>(step[last], once));
  }
}

// One axis with a stride for each operand: a step for a few groups, where a kernel lasts as long as fetching its code
// and arguments does. So it has no more of both than it must.
template <typename E, typename S, typename T, typename O>
MLXS_FN void line(const S* step,
                  const O* init,
                  const T* length,
                  const O* end,
                  O* out,
                  int n,
                  int64_t step_stride,
                  int64_t init_stride,
                  int64_t length_stride,
                  int64_t end_stride) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) {
    const Segment<float> d =
        prepare<E>(read_time(length[i * length_stride]), float(init[i * init_stride]), float(end[i * end_stride]));
    S s = step[i * step_stride];
    by_span(span_of<S>(d), [&](auto at) { out[i] = O(evaluate<E, at.span, T>(s, d)); });
  }
}

// Elements i, i + stride, ... below n, their steps `apart` from each other. Four a turn: 49 instructions for each, not
// 57.
template <typename E, Span span, typename T, typename I, typename S, typename O>
MLXS_FN void run(const S* step, int64_t apart, O* out, I i, I n, I stride, const Segment<float>& d) {
  for (; i + 3 * stride < n; i += 4 * stride, step += 4 * apart) {
    O y[4];
#pragma unroll
    for (int j = 0; j < 4; j++) {
      y[j] = O(evaluate<E, span, T>(step[j * apart], d));
    }
#pragma unroll
    for (int j = 0; j < 4; j++) {
      out[i + j * stride] = y[j];
    }
  }
  for (; i < n; i += stride, step += apart) {
    out[i] = O(evaluate<E, span, T>(*step, d));
  }
}

// Any strides. I: the type that counts elements.
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
    int64_t apart = int64_t(w.stride / w.entry) * step_strides[0];
    I last = w.fixed ? w.n : i + 1;
    by_span(span_of<S>(d), [&](auto it) { run<E, it.span, T>(step + at[0], apart, out, i, last, w.stride, d); });
  }
}

} // namespace mlx_schedules
