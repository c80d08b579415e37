// Schedules of any columns, for Metal: schedule_columns_<step type>[_large], any strides. A thread stays in a column,
// prepared, while its steps do.

struct Operands { // a schedule's, from one element's place on
  const device uchar* bytes[kOperands];
  long at[kOperands];
};

inline bool has(constant ColumnsExtent& extent, int k) {
  return (extent.present >> k & 1) != 0;
}

inline long place(Operands o, constant ColumnsExtent& extent, int k, int column) {
  return o.at[k] + column * extent.apart[k];
}

inline float real_of(Operands o, constant ColumnsExtent& extent, int k, int column) {
  return has(extent, k) ? read<float>(o.bytes[k], place(o, extent, k, column)) : 0.0f;
}

inline Time<float> time_of(Operands o, constant ColumnsExtent& extent, int k, int rest, int column) {
  if (!has(extent, k)) {
    return integer_time<float>(0);
  }
  Time<float> t = time_at(o.bytes[k], extent.types[k], place(o, extent, k, column));
  return with_rest(t, real_of(o, extent, rest, column));
}

inline Segment<float> prepare_any(int ease, Time<float> length, float from, float to, Pair<float> shape) {
  switch (ease) {
#define PREPARE(type, name) \
  case k##type:             \
    return prepare<type>(length, from, to, shape);
    MLXS_EASES(PREPARE)
  }
  return prepare<Hold>(length, from, to, shape);
}

// Where a step is: as an integer, or as a pair of reals. Both know whether it has reached a begin.
struct Whole {
  ulong step;
};
struct Real {
  Pair<float> step;
};

inline bool reached(Whole p, Time<float> begin) {
  return p.step >= begin.whole + (begin.fraction > 0.0f ? 1 : 0) && begin.whole != ~ulong(0);
}
inline bool reached(Real p, Time<float> begin) {
  return begun(p.step, begin.value);
}

inline Whole folded(Whole p, Time<float> begin, Time<float> period) {
  return {folded(p.step, begin.whole, period.whole)};
}
inline Real folded(Real p, Time<float> begin, Time<float> period) {
  return {folded(p.step, begin.value, period.value)};
}

inline float value_any(int ease, Whole p, Start<float> b, Segment<float> s) {
  switch (ease) {
#define WHOLE_VALUE(type, name) \
  case k##type:                 \
    return column_value<type, Span::Wide64>(p.step, b, s);
    MLXS_EASES(WHOLE_VALUE)
  }
  return 0.0f;
}
inline float value_any(int ease, Real p, Start<float> b, Segment<float> s) {
  switch (ease) {
#define REAL_VALUE(type, name) \
  case k##type:                \
    return real_column_value<type>(p.step, b, s);
    MLXS_EASES(REAL_VALUE)
  }
  return 0.0f;
}

template <typename S>
inline Whole position(S step) {
  return {clipped<ulong>(step)};
}
inline Real position(float step) {
  return {{finite_step(step), 0.0f}};
}
inline Real position(half step) {
  return position(float(step));
}
inline Real position(bfloat step) {
  return position(float(step));
}

inline Real as_real(Whole p) {
  return {split_any<float>(p.step)};
}
inline Real as_real(Real p) {
  return p;
}

struct Held { // the column a thread is in
  int column;
  bool last;
  Time<float> begin, next;
  Start<float> start;
  Segment<float> segment;
};

template <typename P>
inline int column_of(P p, Operands o, constant ColumnsExtent& extent) {
  int column = 0;
  for (int k = 1; k < extent.columns; k++) {
    column = reached(p, time_of(o, extent, kBegin, kBeginRest, k)) ? k : column;
  }
  return column;
}

template <typename P>
inline bool stays(P p, Held h) {
  return h.column >= 0 && (h.column == 0 || reached(p, h.begin)) && (h.last || !reached(p, h.next));
}

template <typename Out>
inline Held enter(int column, Operands o, constant ColumnsExtent& extent, constant int* eases) {
  Held h;
  h.column = column;
  h.last = column + 1 == extent.columns;
  h.begin = time_of(o, extent, kBegin, kBeginRest, column);
  h.next = time_of(o, extent, kBegin, kBeginRest, h.last ? column : column + 1);
  h.start = start(h.begin, time_of(o, extent, kLead, kLeadRest, column));
  float from = float(read<Out>(o.bytes[kFrom], place(o, extent, kFrom, column)));
  float to = float(read<Out>(o.bytes[kTo], place(o, extent, kTo, column)));
  Pair<float> shape = fast_two_sum(real_of(o, extent, kShape, column), real_of(o, extent, kShapeRest, column));
  h.segment = prepare_any(eases[column], time_of(o, extent, kLength, kLengthRest, column), from, to, shape);
  return h;
}

template <typename Out, typename P>
inline Out column_value_at(P p, Operands o, constant ColumnsExtent& extent, constant int* eases, thread Held& h) {
  if (extent.repeat >= 0) {
    Time<float> begin = time_of(o, extent, kBegin, kBeginRest, extent.repeat);
    p = folded(p, begin, time_of(o, extent, kPeriod, kPeriodRest, 0));
  }
  if (!stays(p, h)) {
    h = enter<Out>(column_of(p, o, extent), o, extent, eases);
  }
  return Out(value_any(eases[h.column], p, h.start, h.segment));
}

template <typename S, typename Out, typename Index, typename Offset>
[[kernel]] void columns(const device S* step [[buffer(kStep)]],
                        const device uchar* from [[buffer(kFrom)]],
                        const device uchar* length [[buffer(kLength)]],
                        const device uchar* to [[buffer(kTo)]],
                        const device uchar* begin [[buffer(kBegin)]],
                        const device uchar* lead [[buffer(kLead)]],
                        const device uchar* shape [[buffer(kShape)]],
                        const device uchar* period [[buffer(kPeriod)]],
                        const device uchar* length_rest [[buffer(kLengthRest)]],
                        const device uchar* begin_rest [[buffer(kBeginRest)]],
                        const device uchar* lead_rest [[buffer(kLeadRest)]],
                        const device uchar* shape_rest [[buffer(kShapeRest)]],
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
  Operands o = {
      {0, from, length, to, begin, lead, shape, period, length_rest, begin_rest, lead_rest, shape_rest, period_rest},
      {0}};
  Places<Offset, kOperands> p = places<Index, Offset, kOperands>(i, grid.axes, sizes, strides, inverses);
  for (int k = 0; k < kOperands; k++) {
    o.at[k] = p.at[k];
  }
  Held h;
  h.column = -1;
  const device S* s = step + p.at[kStep];
  for (; i < Index(grid.count); i += Index(grid.threads), s += grid.apart) {
    if (extent.real_fold) {
      out[i] = column_value_at<Out>(as_real(position(*s)), o, extent, eases, h);
    } else {
      out[i] = column_value_at<Out>(position(*s), o, extent, eases, h);
    }
  }
}
