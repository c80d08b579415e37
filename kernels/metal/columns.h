// Schedules of any columns, for Metal, over any strides. A thread walks along the column that its step is in, prepared,
// until it leaves it. The ease, and whether 32 bits serve, are chosen outside that loop: inside, compilers keep every
// way's values at hand at once (1842 spills) and walk through all of them (1956 instructions a step of warmup +
// cosine).
#pragma once

#include "operands.h"

// What a pipeline is compiled for, as the host knows it of a schedule; see Known in csrc/plan.h.
constant int known_eases [[function_constant(kKnownEases)]];
constant int known_operands [[function_constant(kKnownOperands)]];
constant int known_types [[function_constant(kKnownTypes)]];
constant int known_real_fold [[function_constant(kKnownRealFold)]];

struct Known {
  int eases, operands, types, real_fold;
};

inline Known known(constant ColumnsExtent& extent) { // a pipeline that was told nothing takes every schedule
  if (is_function_constant_defined(known_eases)) {
    return {known_eases, known_operands, known_types, known_real_fold};
  }
  return {~0, extent.operands, extent.types, extent.real_fold};
}

template <typename Out, typename Offset>
struct Operands { // from one element's place on
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
  Time<float> t = time_at(o.bytes[k], o.known.types >> (kTypeBits * k) & ((1 << kTypeBits) - 1), place(o, k, column));
  if (has(o, rest)) {
    t = with_rest(t, real_of(o, rest, column));
  }
  return t;
}

// Integer steps are counted in a width of their own, U, real ones as pairs.
template <int bytes>
struct Unsigned {
  using type = uint;
};
template <>
struct Unsigned<8> {
  using type = ulong;
};

template <typename U>
struct Counted {
  U step;
};

template <typename S>
inline Counted<typename Unsigned<sizeof(S)>::type> counted(S step) {
  return {clipped<typename Unsigned<sizeof(S)>::type>(step)};
}
inline Real counted(float step) {
  return position(step);
}
inline Real counted(half step) {
  return position(float(step));
}
inline Real counted(bfloat step) {
  return position(float(step));
}

template <typename U>
inline Whole position(Counted<U> p) {
  return {p.step};
}
inline Real position(Real p) {
  return p;
}

// The first step of a column, and how many come after that; what is beyond U is as far as U goes.
template <typename U>
struct Bounds {
  U first, more;
};

template <typename U>
inline Bounds<U> bounds(Cursor c, Counted<U>) {
  ulong next = c.next.whole + (c.next.fraction > 0.0f ? 1 : 0);
  bool ends = !c.last && c.next.whole != ~ulong(0) && next <= ulong(U(-1));
  U first = c.column > 0 ? U(c.start.begin) : U(0);
  return {first, U((ends ? U(next) - U(1) : U(-1)) - first)};
}
inline Cursor bounds(Cursor c, Real) {
  return c;
}

template <typename U>
inline bool within(Counted<U> p, Bounds<U> b) {
  return U(p.step - b.first) <= b.more;
}
inline bool within(Real p, Cursor c) {
  return stays(p, c);
}

// Whether a column's numbers are whole and below 2^32, and so are its steps or what they can change.
template <typename E, typename U>
inline bool fits(Cursor c, Counted<U>) {
  bool whole = c.start.fraction == 0.0f && c.start.lead_fraction == 0.0f && c.segment.clock.length.fraction == 0.0f;
  bool ends = E::counts == int(Count::Nearer);
  bool small = sizeof(U) == 4 ? ((c.begin.whole | c.start.lead) >> 32) == 0 : ends;
  return whole && small && (c.segment.clock.length.whole >> 32) == 0 && (ends || c.start.more == 0);
}
template <typename E>
inline bool fits(Cursor, Real) {
  return false;
}

template <typename E, bool small, typename U>
inline float value(Counted<U> p, Cursor c) {
  if (!small) {
    return column_value<E, Span::Wide64>(ulong(p.step), c.start, c.segment);
  }
  U step = max(p.step, U(c.start.begin)); // before its begin a column is where it is entered
  U far = saturated_sum(U(step - U(c.start.less)), U(c.start.more));
  uint n = far < U(~0u) ? uint(far) : ~0u;
  return E::counts == int(Count::Nearer) ? value_at<E>(elapsed_whole(n, c.segment.clock), c.segment)
                                         : value_on<E, Span::Wide32>(n, 0.0f, c.segment);
}
template <typename E, bool small>
inline float value(Real p, Cursor c) {
  return real_column_value<E>(p.step, c.start, c.segment);
}

// Where a step is once the columns that repeat are laid over one another; of 32 bits it fits those again.
template <typename U>
inline Counted<U> repeated(Counted<U> p, Fold f) {
  return {U(repeated(position(p), f).step)};
}

template <typename P>
struct As {
  static inline P of(P p) { return p; }
};
template <>
struct As<Real> {
  static inline Real of(Real p) { return p; }
  template <typename U>
  static inline Real of(Counted<U> p) {
    return as_real(position(p));
  }
};

// A thread's elements: i, i + stride, ... below n, their steps `apart` from each other.
template <typename P, typename S, typename Out, typename Index>
struct Walk {
  const device S* step;
  device Out* out;
  long apart;
  Index i, n, stride;
  Fold fold;
  P p; // where its step is
};

template <typename P, typename S, typename Out, typename Index>
inline void arrive(thread Walk<P, S, Out, Index>& w) {
  w.p = repeated(As<P>::of(counted(*w.step)), w.fold);
}

template <typename P, typename S, typename Out, typename Index>
inline bool go_on(thread Walk<P, S, Out, Index>& w, float value) {
  w.out[w.i] = Out(value);
  w.i += w.stride;
  w.step += w.apart;
  if (w.i >= w.n) {
    return false;
  }
  arrive(w);
  return true;
}

template <typename E, bool small, typename P, typename S, typename Out, typename Index>
inline void stay(thread Walk<P, S, Out, Index>& w, Cursor c) {
  auto b = bounds(c, w.p);
  while (go_on(w, value<E, small>(w.p, c)) && within(w.p, b)) {
  }
}

template <typename E, typename P, typename S, typename Out, typename Index>
inline void stay(thread Walk<P, S, Out, Index>& w, Cursor c) {
  if (fits<E>(c, w.p)) {
    stay<E, true>(w, c);
  } else {
    stay<E, false>(w, c);
  }
}

template <typename P, typename S, typename Out, typename Index, typename O>
inline void run(Walk<P, S, Out, Index> w, O o) {
  arrive(w);
  while (w.i < w.n) {
    Cursor c = enter(o.known.eases, column_of(position(w.p), o), o);
    switch (c.ease) {
#define MLXS_STAY(type, name)             \
  case k##type:                           \
    if ((o.known.eases >> k##type) & 1) { \
      stay<type>(w, c);                   \
      continue;                           \
    }                                     \
    break;
      MLXS_EASES(MLXS_STAY)
    }
    go_on(w, as_type<float>(0x7fc00000u)); // an ease that this was not compiled for
  }
}

// As reals where what repeats has fractions, else as the steps are.
template <typename U, typename S, typename Out, typename Index, typename O>
inline void run(Counted<U> p, Walk<Real, S, Out, Index> w, O o) {
  if (o.known.real_fold) {
    run(w, o);
  } else {
    run(Walk<Counted<U>, S, Out, Index>{w.step, w.out, w.apart, w.i, w.n, w.stride, w.fold, p}, o);
  }
}
template <typename S, typename Out, typename Index, typename O>
inline void run(Real, Walk<Real, S, Out, Index> w, O o) {
  run(w, o);
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
                        const device int* eases [[buffer(kEaseCodes)]],
                        uint2 at [[thread_position_in_grid]]) {
  Index i = index_of<Index>(at);
  if (i >= Index(grid.threads)) {
    return;
  }
  Known k = known(extent);
  Operands<Out, Offset> o = {
      {0, from, length, to, begin, lead, shape, period, length_rest, begin_rest, lead_rest, shape_rest, period_rest},
      {0},
      &extent,
      eases,
      k,
      extent.columns,
      (k.operands >> kPeriod & 1) != 0 ? extent.repeat : -1};
  int present = is_function_constant_defined(known_operands) ? known_operands : ~0; // strides of what is not are 0
  Places<Offset, kOperands> p = places<Index, Offset, kOperands>(i, present, grid.axes, sizes, strides, inverses);
  for (int k = 0; k < kOperands; k++) {
    o.at[k] = p.at[k];
  }
  Walk<Real, S, Out, Index> w = {
      step + p.at[kStep], out, grid.apart, i, Index(grid.count), Index(grid.threads), fold(o), {}};
  run(counted(S(0)), w, o);
}
