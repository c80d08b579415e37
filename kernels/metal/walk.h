// How a thread walks through its steps: it prepares the column that its step is in and stays there until a step leaves
// the column. The ease, and whether 32 bits are enough, are chosen outside that loop: inside it, compilers keep the
// values of every way alive at once (1842 spills) and run all of them (1956 instructions a step of warmup + cosine).
#pragma once

#include "known.h"

// The position of a step is a Counted, of the steps' own width, if all numbers of steps are whole; otherwise an Exact
// or a Real as in ../cursor.h.
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
inline Counted<U> repeated(Counted<U> p, Fold f) { // never more than the step, so it fits U
  return {f.repeats ? U(repeated(ulong(p.step), f)) : p.step};
}

// The first step of a column, and how many steps follow it in the column. A column that goes beyond U ends with U.
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

// Whether 32 bits hold a column's numbers and every step that can change its value.
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
    return value_on<E, Span::Wide64>(whole_steps_into(ulong(p.step), c.start), c.segment);
  }
  U step = max(p.step, U(c.start.begin)); // before its begin, a column has the value at its begin
  U far = saturated_sum(U(step - U(c.start.less)), U(c.start.more));
  return value_on<E, Span::Wide32>(far < U(~0u) ? uint(far) : ~0u, c.segment);
}
template <typename E, bool small, typename P>
inline float value(P p, Cursor c) {
  return column_value<E>(p, c.start, c.segment);
}

// A thread's elements: i, i + stride, ... below n, whose steps lie `apart` from each other.
template <typename P, typename S, typename Out, typename Index>
struct Walk {
  const device S* step;
  device Out* out;
  long apart;
  Index i, n, stride;
  Fold fold;
  P p; // the position of the current step
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
    go_on(w, as_type<float>(0x7fc00000u)); // NaN for an ease that the pipeline was not compiled for
  }
}
