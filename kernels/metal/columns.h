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

struct Known {
  int eases, operands, types;
};

inline Known known(constant ColumnsExtent& extent) { // a pipeline that was told nothing takes every schedule
  if (is_function_constant_defined(known_eases)) {
    return {known_eases, known_operands, known_types};
  }
  return {~0, extent.operands, extent.types};
}

inline int type_of(Known known, int k) { // a TimeType
  return known.types >> (kTypeBits * k) & ((1 << kTypeBits) - 1);
}

// Whether a number of steps may have a fraction, and whether an integer has one, in 2^-64.
inline bool fractional(Known known, int k, int rest) {
  return (known.operands >> rest & 1) != 0 || type_of(known, k) == kFloat32;
}
inline bool exactly_fractional(Known known, int k, int rest) {
  return (known.operands >> rest & 1) != 0 && type_of(known, k) != kFloat32;
}
inline bool all_whole(Known k) {
  return !(fractional(k, kLength, kLengthRest) || fractional(k, kBegin, kBeginRest) ||
           fractional(k, kLead, kLeadRest) || fractional(k, kPeriod, kPeriodRest));
}
inline bool takes_exact_steps(Known k) {
  return exactly_fractional(k, kLength, kLengthRest) || exactly_fractional(k, kBegin, kBeginRest) ||
         exactly_fractional(k, kLead, kLeadRest) || exactly_fractional(k, kPeriod, kPeriodRest);
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
  int type = type_of(o.known, k);
  Time<float> t = time_at(o.bytes[k], type, place(o, k, column));
  if (!has(o, rest)) {
    return t;
  }
  return type == kFloat32 ? with_rest(t, real_of(o, rest, column))
                          : with_fraction(t, read<ulong>(o.bytes[rest], place(o, rest, column)));
}

// Where a step is: in a width of its own where all numbers of steps are whole; else Exact or Real, as in ../cursor.h.
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
inline S plain(S step) {
  return step;
}
inline float plain(half step) {
  return float(step);
}
inline float plain(bfloat step) {
  return float(step);
}

template <typename P>
struct Position;
template <typename U>
struct Position<Counted<U>> {
  template <typename S>
  static inline Counted<U> of(S step) {
    return {clipped<U>(step)};
  }
};
template <>
struct Position<Exact<float>> {
  template <typename S>
  static inline Exact<float> of(S step) {
    return exact_position(plain(step));
  }
};
template <>
struct Position<Real> {
  template <typename S>
  static inline Real of(S step) {
    return real_position(plain(step));
  }
};

template <typename U>
inline Exact<float> exactly(Counted<U> p) {
  return {{p.step, 0}, 0.0f};
}
template <typename P>
inline P exactly(P p) {
  return p;
}

template <typename U>
inline Counted<U> repeated(Counted<U> p, Fold f) { // of 32 bits it fits those again
  return {f.repeats ? U(repeated(ulong(p.step), f)) : p.step};
}

// The first step of a column, and how many come after that; what is beyond U is as far as U goes.
template <typename U>
struct Bounds {
  U first, more;
};

template <typename U>
inline Bounds<U> bounds(Cursor c, Counted<U>) {
  ulong next = c.next.steps.whole;
  bool ends = !c.last && next != ~ulong(0) && next <= ulong(U(-1));
  U first = c.column > 0 ? U(c.start.begin) : U(0);
  return {first, U((ends ? U(next) - U(1) : U(-1)) - first)};
}
template <typename P>
inline Cursor bounds(Cursor c, P) {
  return c;
}

template <typename U>
inline bool within(Counted<U> p, Bounds<U> b) {
  return U(p.step - b.first) <= b.more;
}
template <typename P>
inline bool within(P p, Cursor c) {
  return stays(p, c);
}

// Whether 32 bits hold a column's numbers, and its steps or what they can change.
template <typename E, typename U>
inline bool fits(Cursor c, Counted<U>) {
  bool ends = E::counts == int(Count::Nearer);
  bool small = sizeof(U) == 4 ? ((c.begin.steps.whole | c.start.lead) >> 32) == 0 : ends;
  return small && (c.segment.clock.length.steps.whole >> 32) == 0 && (ends || c.start.more == 0);
}
template <typename E, typename P>
inline bool fits(Cursor, P) {
  return false;
}

template <typename E, bool small, typename U>
inline float value(Counted<U> p, Cursor c) {
  if (!small) {
    return column_value<E, Span::Wide64>(ulong(p.step), c.start, c.segment);
  }
  U step = max(p.step, U(c.start.begin)); // before its begin a column is where it is entered
  U far = saturated_sum(U(step - U(c.start.less)), U(c.start.more));
  return value_on<E, Span::Wide32>(far < U(~0u) ? uint(far) : ~0u, c.segment);
}
template <typename E, bool small>
inline float value(Exact<float> p, Cursor c) {
  return exact_column_value<E>(p, c.start, c.segment);
}
template <typename E, bool small>
inline float value(Real p, Cursor c) {
  return real_column_value<E>(p.step, c.start, c.segment);
}

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
  w.p = repeated(Position<P>::of(*w.step), w.fold);
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
    Cursor c = enter(o.known.eases, column_of(exactly(w.p), o), o);
    switch (c.ease) {
#define MLXS_STAY(type, ...)              \
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

// Integer steps in their own width where that serves, else exactly; reals as they are, or exactly.
template <typename S>
struct Ways {
  using Usual = Counted<typename Unsigned<sizeof(S)>::type>;
  static inline bool usual(Known known) { return all_whole(known); }
};
struct WaysOfReals {
  using Usual = Real;
  static inline bool usual(Known known) { return !takes_exact_steps(known); }
};
template <>
struct Ways<float> : WaysOfReals {};
template <>
struct Ways<half> : WaysOfReals {};
template <>
struct Ways<bfloat> : WaysOfReals {};

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
                        const device int* eases [[buffer(kEaseCodes)]],
                        uint2 at [[thread_position_in_grid]]) {
  Index i = index_of<Index>(at);
  if (i >= Index(grid.threads)) {
    return;
  }
  Known k = known(extent);
  Operands<Out, Offset> o = {{0,
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
                             k,
                             extent.columns,
                             (k.operands >> kPeriod & 1) != 0 ? extent.repeat : -1};
  int present = is_function_constant_defined(known_operands) ? known_operands : ~0; // strides of what is not are 0
  Places<Offset, kOperands> p = places<Index, Offset, kOperands>(i, present, grid.axes, sizes, strides, inverses);
  for (int k = 0; k < kOperands; k++) {
    o.at[k] = p.at[k];
  }
  Fold f = fold(o);
  const device S* s = step + p.at[kStep];
  using Usual = typename Ways<S>::Usual;
  if (Ways<S>::usual(o.known)) {
    run(Walk<Usual, S, Out, Index>{s, out, grid.apart, i, Index(grid.count), Index(grid.threads), f, {}}, o);
  } else {
    run(Walk<Exact<float>, S, Out, Index>{s, out, grid.apart, i, Index(grid.count), Index(grid.threads), f, {}}, o);
  }
}
