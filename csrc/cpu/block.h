// Reads operands in place: blocks of any strides, gathered into contiguous runs.
#pragma once

#include <algorithm>

#include "mlx/mlx.h"

namespace mlx_schedules::cpu {

namespace mx = mlx::core;

// height x width elements of an operand. Strides are in elements.
struct Block {
  const char* data;
  mx::Dtype type;
  int64_t row_stride, step_stride; // from one row to the next, and along a row
  int height, width;
  int64_t column_stride; // from one column of the schedule to the next

  int size() const { return height * width; }
  bool contiguous() const { return (step_stride == 1 || width == 1) && (row_stride == width || height == 1); }

  Block of_column(int k) const {
    Block b = *this;
    b.data += k * column_stride * int64_t(type.size());
    return b;
  }

  // For a block of one row: `count` columns of the schedule, each as one row.
  Block of_columns(int first, int count) const {
    Block b = of_column(first);
    b.row_stride = column_stride;
    b.height = count;
    return b;
  }
};

// Writes `value` N times, as often as that fits. A fill of constant length compiles to vector stores even when the
// compiler optimises for size.
template <int N, typename To>
To* fill(To* out, const To* end, To value) {
  for (; end - out >= N; out += N) {
    std::fill_n(out, N, value);
  }
  return out;
}

// Writes each row's single value over the whole width. A constant Width unrolls; with 3 groups, a loop over 3 took half
// of the time. Without the fills of 16 and 4, grids of 64 and of 8 groups take a third longer.
template <int Width, typename To, typename From>
void repeat(const Block& b, To* out) {
  int width = Width ? Width : b.width;
  for (int r = 0; r < b.height; r++) {
    auto value = static_cast<To>(reinterpret_cast<const From*>(b.data)[r * b.row_stride]);
    To* end = out + width;
    if (Width == 0) {
      out = fill<4>(fill<16>(out, end, value), end, value);
    }
    out = fill<Width ? Width : 1>(out, end, value);
  }
}

template <typename To, typename From>
void gather_as(const Block& b, To* out) {
  if (b.step_stride == 0) { // steps of shape (B, 1) and groups of shape (G,)
    switch (b.width) {
      case 2:
        return repeat<2, To, From>(b, out);
      case 3:
        return repeat<3, To, From>(b, out);
      case 4:
        return repeat<4, To, From>(b, out);
      case 5:
        return repeat<5, To, From>(b, out);
      case 6:
        return repeat<6, To, From>(b, out);
      default:
        return repeat<0, To, From>(b, out);
    }
  }
  for (int r = 0; r < b.height; r++) {
    auto from = reinterpret_cast<const From*>(b.data) + r * b.row_stride;
    for (int i = 0; i < b.width; i++) {
      *out++ = static_cast<To>(from[i * b.step_stride]);
    }
  }
}

// Copies a block into a contiguous run, converting its elements to To.
template <typename To>
void gather(const Block& b, To* out) {
  using Val = mx::Dtype::Val;
  switch (b.type.val()) {
    case Val::bool_:
    case Val::uint8:
      return gather_as<To, uint8_t>(b, out);
    case Val::uint16:
      return gather_as<To, uint16_t>(b, out);
    case Val::uint32:
      return gather_as<To, uint32_t>(b, out);
    case Val::uint64:
      return gather_as<To, uint64_t>(b, out);
    case Val::int8:
      return gather_as<To, int8_t>(b, out);
    case Val::int16:
      return gather_as<To, int16_t>(b, out);
    case Val::int32:
      return gather_as<To, int32_t>(b, out);
    case Val::int64:
      return gather_as<To, int64_t>(b, out);
    case Val::float16:
      return gather_as<To, mx::float16_t>(b, out);
    case Val::bfloat16:
      return gather_as<To, mx::bfloat16_t>(b, out);
    case Val::float32:
      return gather_as<To, float>(b, out);
    default:
      return gather_as<To, double>(b, out);
  }
}

// Copies a block without converting it.
inline void gather_bytes(const Block& b, void* out) {
  switch (b.type.size()) {
    case 1:
      return gather_as<uint8_t, uint8_t>(b, static_cast<uint8_t*>(out));
    case 2:
      return gather_as<uint16_t, uint16_t>(b, static_cast<uint16_t*>(out));
    case 4:
      return gather_as<uint32_t, uint32_t>(b, static_cast<uint32_t*>(out));
    default:
      return gather_as<uint64_t, uint64_t>(b, static_cast<uint64_t*>(out));
  }
}

} // namespace mlx_schedules::cpu
