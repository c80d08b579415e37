// What CUDA's kernels share: steps, and which elements a thread takes. S is the dtype of a step, O of the output.
#pragma once

#include "../clock.h"

template <typename S>
constexpr bool is_integer = S(0.5f) == S(0);
template <>
constexpr bool is_integer<__half> = false;
template <>
constexpr bool is_integer<__nv_bfloat16> = false;

template <typename X>
struct alignas(4 * sizeof(X)) Four {
  X x[4];
};

template <Span value>
struct At {
  static constexpr Span span = value;
};

template <typename F>
MLXS_FN void by_span(Span span, F f) {
  switch (span) {
    case Span::Narrow:
      return f(At<Span::Narrow>());
    case Span::Wide32:
      return f(At<Span::Wide32>());
    default:
      return f(At<Span::Wide64>());
  }
}

template <typename Shape>
MLXS_FN int64_t size_of(int ndim, const Shape& shape) {
  int64_t n = 1;
#pragma unroll 1
  for (int i = 0; i < ndim; i++) {
    n *= shape[i];
  }
  return n;
}

// A block's share of all Fours: a run, of which each thread takes one Four per turn. The last runs may reach past the
// last Four.
struct BlockRun {
  int64_t first, length;
};

MLXS_FN BlockRun run_of_block(int64_t fours) {
  // A power of two, because a division would delay the first read by 100 instructions.
  unsigned threads = gridDim.x * blockDim.x;
  int64_t length = (fours + threads - 1 >> __ffs(threads) - 1) * blockDim.x;
  return {blockIdx.x * length, length};
}

// The elements of a thread: one or more runs along the outermost axis. If the segment is the same along that axis, the
// thread has one run and prepares once. Neighbouring threads then take neighbouring elements. A thread goes through
// consecutive entries of the outermost axis, whose steps can be read four at a time; or, if an entry has fewer elements
// than a warp has threads, through every `entries`-th of them.
template <typename I>
struct Walk {
  I first, stride, end; // runs begin at first, first + stride, ... below end
  I by, length;         // from one element of a run to the next, and from its first to past its last
  I entries, n;         // entries of the outermost axis from one element to the next; the number of all elements
};

template <typename I, typename Shape>
MLXS_FN Walk<I> walk_of(int ndim, const Shape& shape, bool same_along_outermost) {
  I entry = 1; // elements of one entry of the outermost axis
  for (int k = 1; k < ndim; k++) {
    entry *= I(shape[k]);
  }
  I n = entry * I(shape[0]), threads = I(gridDim.x) * blockDim.x, i = I(blockIdx.x) * blockDim.x + threadIdx.x;
  if (entry > threads || !same_along_outermost) {
    return {i, threads, n, 1, 1, 1, n};
  }
  I at_once = threads / entry;
  if (entry < 32) {
    I by = at_once * entry;
    return {i, n, min(by, n), by, n, at_once, n};
  }
  I run = (I(shape[0]) + at_once - 1) / at_once + 3 & ~I(3); // entries of it, in fours
  I place = i / entry;
  return {place < at_once ? i + place * (run - 1) * entry : n, n, n, entry, run * entry, 1, n};
}

// Adds the offset of element i in each operand to `at`. `present` has a bit for each operand that is present.
template <int operands, int present, typename I, typename Shape, typename Strides>
MLXS_FN void places(I i, int ndim, const Shape& shape, const Strides* const* strides, int64_t* at) {
  for (int axis = ndim - 1; axis >= 0; axis--) {
    I outer = axis > 0 ? i / I(shape[axis]) : 0;
    int64_t coordinate = i - outer * I(shape[axis]);
#pragma unroll
    for (int k = 0; k < operands; k++) {
      at[k] += present >> k & 1 ? coordinate * (*strides[k])[axis] : 0;
    }
    i = outer;
  }
}
