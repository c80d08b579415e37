// Schedules of any columns, for Metal: schedule_columns_<step type>[_large], any strides. A thread stays in a column,
// prepared, while its steps do.
#pragma once

#include "operands.h"

template <typename Out>
struct Operands { // from one element's place on
  const device uchar* bytes[kOperands];
  long at[kOperands];
  constant ColumnsExtent* extent;
  constant int* eases;
  int columns, repeat;
};

template <typename Out>
inline int ease_of(Operands<Out> o, int column) {
  return o.eases[column];
}

template <typename Out>
inline bool has(Operands<Out> o, int k) {
  return (o.extent->present >> k & 1) != 0;
}

template <typename Out>
inline long place(Operands<Out> o, int k, int column) {
  return o.at[k] + column * o.extent->apart[k];
}

template <typename Out>
inline float value_of(Operands<Out> o, int k, int column) {
  return float(read<Out>(o.bytes[k], place(o, k, column)));
}

template <typename Out>
inline float real_of(Operands<Out> o, int k, int column) {
  return has(o, k) ? read<float>(o.bytes[k], place(o, k, column)) : 0.0f;
}

template <typename Out>
inline Time<float> time_of(Operands<Out> o, int k, int rest, int column) {
  if (!has(o, k)) {
    return integer_time<float>(0);
  }
  int type = o.extent->types[k];
  Time<float> t = time_at(o.bytes[k], type, place(o, k, column));
  if (!has(o, rest)) {
    return t;
  }
  return type == kFloat32 ? with_rest(t, real_of(o, rest, column))
                          : with_fraction(t, read<ulong>(o.bytes[rest], place(o, rest, column)));
}

enum { kAllEases = ~0 };

// The value at a step, once the cursor is where that is.
template <typename P, typename Out>
inline float move(thread Cursor& c, P p, Operands<Out> o) {
  p = repeated(p, o);
  if (!stays(p, c)) {
    c = enter<kAllEases>(column_of(p, o), o);
  }
  return value_any<kAllEases>(p, c);
}

// Integer steps are always taken exactly, reals where the schedule's numbers ask for it.
template <typename S, typename Out>
inline float move_to(thread Cursor& c, S step, Operands<Out> o) {
  return move(c, exact_position(step), o);
}
template <typename Out>
inline float move_to(thread Cursor& c, float step, Operands<Out> o) {
  return o.extent->exact ? move(c, exact_position(step), o) : move(c, real_position(step), o);
}
template <typename Out>
inline float move_to(thread Cursor& c, half step, Operands<Out> o) {
  return move_to(c, float(step), o);
}
template <typename Out>
inline float move_to(thread Cursor& c, bfloat step, Operands<Out> o) {
  return move_to(c, float(step), o);
}

template <typename S, typename Out, typename Index, typename Offset>
[[kernel]] void columns(const device S* step [[buffer(kStep)]],
                        const device uchar* init [[buffer(kInit)]],
                        const device uchar* length [[buffer(kLength)]],
                        const device uchar* end [[buffer(kEnd)]],
                        const device uchar* begin [[buffer(kBegin)]],
                        const device uchar* lead [[buffer(kLead)]],
                        const device uchar* parameter [[buffer(kParameter)]],
                        const device uchar* period [[buffer(kPeriod)]],
                        const device uchar* length_rest [[buffer(kLengthRest)]],
                        const device uchar* begin_rest [[buffer(kBeginRest)]],
                        const device uchar* lead_rest [[buffer(kLeadRest)]],
                        const device uchar* parameter_rest [[buffer(kParameterRest)]],
                        const device uchar* period_rest [[buffer(kPeriodRest)]],
                        device Out* out [[buffer(kOut)]],
                        constant Extent& grid [[buffer(kExtent)]],
                        constant int* sizes [[buffer(kSizes)]],
                        constant long* strides [[buffer(kStrides)]],
                        constant ulong* inverses [[buffer(kInverses)]],
                        constant ColumnsExtent& extent [[buffer(kColumns)]],
                        constant int* eases [[buffer(kEaseCodes)]],
                        uint2 at [[thread_position_in_grid]]) {
  Index i = Index(at.y) * kRow + at.x;
  if (i >= Index(grid.threads)) {
    return;
  }
  Operands<Out> o = {{0,
                      init,
                      length,
                      end,
                      begin,
                      lead,
                      parameter,
                      period,
                      length_rest,
                      begin_rest,
                      lead_rest,
                      parameter_rest,
                      period_rest},
                     {0},
                     &extent,
                     eases,
                     extent.columns,
                     extent.repeat};
  Places<Offset, kOperands> p = places<Index, Offset, kOperands>(i, grid.axes, sizes, strides, inverses);
  for (int k = 0; k < kOperands; k++) {
    o.at[k] = p.at[k];
  }
  Cursor c;
  c.column = -1;
  const device S* s = step + p.at[kStep];
  for (; i < Index(grid.count); i += Index(grid.threads), s += grid.apart) {
    out[i] = Out(move_to(c, *s, o));
  }
}
