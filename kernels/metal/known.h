// The schedule's numbers for one element, and what a pipeline knows about the schedule when it is compiled.
#pragma once

#include "operands.h"

// See Known in csrc/plan.h.
constant int known_eases [[function_constant(kKnownEases)]];
constant int known_operands [[function_constant(kKnownOperands)]];
constant int known_types [[function_constant(kKnownTypes)]];

struct Known {
  int eases, operands, types;
};

inline Known known(constant ColumnsExtent& extent) { // a pipeline without constants takes every schedule
  if (is_function_constant_defined(known_eases)) {
    return {known_eases, known_operands, known_types};
  }
  return {~0, extent.operands, extent.types};
}

// Whether operand k, a number of steps, may have a fraction.
inline bool fractional(Known known, int k, int rest) {
  return (known.operands >> rest & 1) != 0 || time_type_of(known.types, k) == kFloat32;
}
inline bool all_whole(Known k) {
  return !(fractional(k, kLength, kLengthRest) || fractional(k, kBegin, kBeginRest) ||
           fractional(k, kLead, kLeadRest) || fractional(k, kPeriod, kPeriodRest));
}

template <typename Out, typename Offset>
struct Operands { // for the element at offsets `at`
  const device uchar* bytes[kOperands];
  Offset at[kOperands];
  constant ColumnsExtent* extent;
  const device int* eases;
  Known known;
  int columns, repeat;
};

template <typename Out, typename Offset>
inline int ease_of(Operands<Out, Offset> o, int column) {
  return o.eases[column];
}

template <typename Out, typename Offset>
inline bool has(Operands<Out, Offset> o, int k) {
  return (o.known.operands >> k & 1) != 0;
}

template <typename Out, typename Offset>
inline Offset place(Operands<Out, Offset> o, int k, int column) {
  return o.at[k] + Offset(column) * Offset(o.extent->apart[k]);
}

template <typename Out, typename Offset>
inline float value_of(Operands<Out, Offset> o, int k, int column) {
  return float(read<Out>(o.bytes[k], place(o, k, column)));
}

template <typename Out, typename Offset>
inline float real_of(Operands<Out, Offset> o, int k, int column) {
  return has(o, k) ? read<float>(o.bytes[k], place(o, k, column)) : 0.0f;
}

template <typename Out, typename Offset>
inline Time<float> time_of(Operands<Out, Offset> o, int k, int rest, int column) {
  if (!has(o, k)) {
    return integer_time<float>(0);
  }
  int type = time_type_of(o.known.types, k);
  Time<float> t = time_at(o.bytes[k], type, place(o, k, column));
  if (!has(o, rest)) {
    return t;
  }
  return type == kFloat32 ? with_rest(t, real_of(o, rest, column))
                          : with_fraction(t, read<ulong>(o.bytes[rest], place(o, rest, column)));
}
