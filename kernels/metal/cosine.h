// Kernels for one cosine from step 0 on: `contiguous_decay` for contiguous steps, `general_decay` for any strides.
#pragma once

#include "operands.h"

template <typename S>
inline Span span(S, Time<float> t) {
  return integer_span(t);
}
inline Span span(float, Time<float> t) {
  return real_span(t);
}

template <Span way, typename S>
inline float plain_value(S step, Segment<float> d) {
  return integer_value<Cosine, way>(step, d);
}
template <Span way>
inline float plain_value(float step, Segment<float> d) {
  return real_value<Cosine, way>(step, d);
}
template <Span way, typename S>
inline float value(S step, Segment<float> d) {
  return plain_value<way>(plain(step), d);
}

template <Span way, typename Out, typename S>
inline vec<Out, kVector> values(vec<S, kVector> step, Segment<float> d) {
  vec<Out, kVector> y;
  for (int k = 0; k < kVector; k++) {
    y[k] = Out(value<way>(S(step[k]), d));
  }
  return y;
}

// Loops over the elements i, i + stride, ... below n: as vectors, one by one, and with steps that lie `apart` from each
// other. All steps of a thread have the same T and hence the same way to count, which is chosen outside the loop:
// inside it, compilers merge the ways into the longest (for float16, 56 instructions a step instead of 46).
template <Span way, typename S, typename Out>
inline void run_vectors(
    const device vec<S, kVector>* step, device vec<Out, kVector>* out, uint i, uint n, uint stride, Segment<float> d) {
  for (; i < n; i += stride) {
    out[i] = values<way, Out, S>(step[i], d);
  }
}
template <Span way, typename S, typename Out>
inline void run_rest(const device S* step, device Out* out, uint i, uint n, uint stride, Segment<float> d) {
  for (; i < n; i += stride) {
    out[i] = Out(value<way>(step[i], d));
  }
}
template <Span way, typename S, typename Out, typename Index>
inline void run_apart(
    const device S* step, long apart, device Out* out, Index i, Index n, Index stride, Segment<float> d) {
  for (; i < n; i += stride, step += apart) {
    out[i] = Out(value<way>(*step, d));
  }
}

#define BY_SPAN(span, run, ...)                      \
  switch (span) {                                    \
    case Span::Narrow:                               \
      return run<Span::Narrow, S, Out>(__VA_ARGS__); \
    case Span::Wide32:                               \
      return run<Span::Wide32, S, Out>(__VA_ARGS__); \
    case Span::Wide64:                               \
      return run<Span::Wide64, S, Out>(__VA_ARGS__); \
  }

template <Span way, typename S, typename Out>
inline void run_contiguous(const device vec<S, kVector>* step,
                           device vec<Out, kVector>* out,
                           uint count,
                           uint thread_index,
                           uint threads,
                           Segment<float> d) {
  uint vectors = count / kVector;
  run_vectors<way, S, Out>(step, out, thread_index, vectors, threads, d);
  run_rest<way>((const device S*)step, (device Out*)out, vectors * kVector + thread_index, count, threads, d);
}

// Threads stride through the vectors, so that neighbours read neighbours, and a grid of any size covers everything. The
// kernel takes at most 2^31 steps, aligned to a vector: the host splits longer arrays and sends unaligned ones to the
// general kernel. `out` may be the buffer of the steps. `constant` arguments let the compiler prepare once for all
// threads.
template <typename S, typename Out>
[[kernel]] void contiguous_decay(const device vec<S, kVector>* step [[buffer(kStep)]],
                                 constant Out* init [[buffer(kInit)]],
                                 constant uchar* time [[buffer(kLength)]],
                                 constant Out* end [[buffer(kEnd)]],
                                 device vec<Out, kVector>* out [[buffer(kOut)]],
                                 constant Extent& extent [[buffer(kExtent)]],
                                 uint thread_index [[thread_position_in_grid]],
                                 uint threads [[threads_per_grid]]) {
  Segment<float> d = prepare<Cosine>(time_at(time, extent.time, 0), float(init[0]), float(end[0]));
  BY_SPAN(span(plain(S(0)), d.clock.length), run_contiguous, step, out, uint(extent.count), thread_index, threads, d)
}

// Any strides. Each thread takes one step or, if init, decay_steps and end don't vary along the outermost axis, several
// steps at the same place in the entries of that axis.
template <typename S, typename Out, typename Index, typename Offset>
[[kernel]] void general_decay(const device S* step [[buffer(kStep)]],
                              const device Out* init [[buffer(kInit)]],
                              const device uchar* time [[buffer(kLength)]],
                              const device Out* end [[buffer(kEnd)]],
                              device Out* out [[buffer(kOut)]],
                              constant Extent& extent [[buffer(kExtent)]],
                              constant int* shape [[buffer(kSizes)]],
                              constant long* strides [[buffer(kStrides)]],
                              constant ulong* inverses [[buffer(kInverses)]],
                              uint2 at [[thread_position_in_grid]]) {
  Index i = index_of<Index>(at);
  if (i >= Index(extent.threads)) {
    return;
  }
  Places<Offset, kEnd + 1> p = places<Index, Offset, kEnd + 1>(i, ~0, extent.axes, shape, strides, inverses);
  Segment<float> d =
      prepare<Cosine>(time_at(time, extent.time, p.at[kLength]), float(init[p.at[kInit]]), float(end[p.at[kEnd]]));
  BY_SPAN(span(plain(S(0)), d.clock.length),
          run_apart,
          step + p.at[kStep],
          extent.apart,
          out,
          i,
          Index(extent.count),
          Index(extent.threads),
          d)
}
