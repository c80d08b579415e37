// How CUDA's kernels for columns read a schedule's numbers: the type Operands that ../cursor.h needs.
#pragma once

#include "prelude.h"
//
#include "../cursor.h"
#include "arguments.h"
#include "steps.h"

// `present` has a bit for each operand that is present, `types` a TimeType of kTypeBits bits.
template <typename O, int present, int types>
struct Operands {
  const int* about;
  const void* data[kOperands];
  int64_t at[kOperands], apart[kOperands];
  int columns, repeat;

  static constexpr MLXS_FN bool has(int k) { return (present >> k & 1) != 0; }

  static constexpr MLXS_FN int type(int k) { return time_type_of(types, k); }

  template <typename X>
  MLXS_FN X read(int k, int column) const {
    return static_cast<const X*>(data[k])[at[k] + column * apart[k]];
  }
};

template <typename O, int present, int types>
MLXS_FN int ease_of(const Operands<O, present, types>& o, int column) {
  return o.about[kEaseCodes + column];
}

template <typename O, int present, int types>
MLXS_FN float value_of(const Operands<O, present, types>& o, int k, int column) {
  return float(o.template read<O>(k, column));
}

template <typename O, int present, int types>
MLXS_FN float real_of(const Operands<O, present, types>& o, int k, int column) {
  return o.has(k) ? o.template read<float>(k, column) : 0.0f;
}

template <typename O, int present, int types>
MLXS_FN Time<float> time_of(const Operands<O, present, types>& o, int k, int rest, int column) {
  if (!o.has(k)) {
    return integer_time<float>(0);
  }
  uint64_t whole = 0; // negative numbers count as 0
  switch (o.type(k)) {
    case kFloat32:
      return with_rest(real_time(o.template read<float>(k, column)), real_of(o, rest, column));
    case kInt32:
      whole = max(o.template read<int32_t>(k, column), 0);
      break;
    case kInt64:
      whole = max(o.template read<int64_t>(k, column), int64_t(0));
      break;
    case kUint32:
      whole = o.template read<uint32_t>(k, column);
      break;
    default:
      whole = o.template read<uint64_t>(k, column);
  }
  auto t = integer_time<float>(whole);
  return o.has(rest) ? with_fraction(t, o.template read<uint64_t>(rest, column)) : t;
}

// The operands' first elements, without columns.
template <typename O, int present, int types>
MLXS_FN auto operands(const void* const* data) {
  Operands<O, present, types> o;
  o.about = nullptr;
  o.columns = 0;
  o.repeat = -1;
#pragma unroll
  for (int k = 0; k < kOperands; k++) {
    o.data[k] = data[k];
    o.at[k] = o.apart[k] = 0;
  }
  return o;
}

// The same with columns, whose numbers are adjacent in memory for each operand that has a bit in `by_column`; the other
// operands have one number for all columns.
template <typename O, int present, int types, int by_column>
MLXS_FN auto operands(const int* about, const void* const* data) {
  auto o = operands<O, present, types>(data);
  o.about = about;
  o.columns = about[kColumns];
#pragma unroll
  for (int k = 0; k < kOperands; k++) {
    o.apart[k] = by_column >> k & 1;
  }
  return o;
}

// The same with strides: the one from one column to the next follows those of the axes.
template <typename O, int present, int types, typename Strides>
MLXS_FN auto operands(const int* about, const void* const* data, const Strides* const* strides, int axes) {
  auto o = operands<O, present, types>(data);
  o.about = about;
  o.columns = about[kColumns];
  o.repeat = o.has(kPeriod) ? about[kRepeat] : -1;
#pragma unroll
  for (int k = 0; k < kOperands; k++) {
    o.apart[k] = o.has(k) ? (*strides[k])[axes] : 0;
  }
  return o;
}

template <bool exact, typename S>
MLXS_FN auto position_of(S step) {
  if constexpr (is_integer<S>) {
    return exact_position(step);
  } else if constexpr (exact) {
    return exact_position(float(step));
  } else {
    return real_position(float(step));
  }
}
