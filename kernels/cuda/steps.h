// What CUDA's files of kernels share: steps and how they are counted. S is a step's dtype, O the output's.
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

// Of `fours`, each block takes a run of its own, a four per thread and turn. The last ones may end beyond all.
struct BlockRun {
  int64_t first, length;
};

MLXS_FN BlockRun run_of_block(int64_t fours) {
  int64_t threads = int64_t(gridDim.x) * blockDim.x;
  int64_t length = (fours + threads - 1) / threads * blockDim.x;
  return {blockIdx.x * length, length};
}

// The elements of a thread, by strides of whole entries of the outermost axis where what it prepares is the same along
// that, so that it prepares it once.
template <typename I>
struct Walk {
  I first, stride, end; // its first elements, each taken on to n by the stride
  I entry, n;
  bool fixed;
};

template <typename I, typename Shape>
MLXS_FN Walk<I> walk_of(int ndim, const Shape& shape, bool same_along_outermost) {
  I entry = 1; // elements of one entry of the outermost axis
  for (int k = 1; k < ndim; k++) {
    entry *= I(shape[k]);
  }
  I n = entry * I(shape[0]), threads = I(gridDim.x) * blockDim.x;
  bool fixed = entry <= threads && same_along_outermost;
  I stride = fixed ? threads / entry * entry : threads;
  return {I(blockIdx.x) * blockDim.x + threadIdx.x, stride, fixed ? min(stride, n) : n, entry, n, fixed};
}

// `present` has a bit for each operand that there is.
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
