// A column: a segment, in force from a step on, which may be entered part of the way.
#pragma once

#include "segment.h"

template <typename R>
struct Start { // where a column comes into force, and from where its steps count
  // For integer steps: n = step - less + more and a fraction from `begin` on; before, `lead` and its fraction.
  uint64_t begin, less, more, lead;
  R fraction, lead_fraction;
  // For fractional ones: n = step - origin from `real_begin` on; before, `real_lead`.
  Pair<R> real_begin, origin, real_lead;
};

template <typename R>
MLXS_FN Pair<R> difference(Pair<R> a, Pair<R> b) {
  Pair<R> d = two_sum(a.hi, -b.hi);
  return fast_two_sum(d.hi, d.lo + (a.lo - b.lo));
}

template <typename R>
MLXS_FN Start<R> start(Time<R> begin, Time<R> lead) {
  bool later = begin.whole >= lead.whole;
  Start<R> s;
  s.begin = begin.whole + (begin.fraction > R(0) ? 1 : 0);
  s.less = later ? begin.whole - lead.whole : uint64_t(0);
  s.more = later ? uint64_t(0) : lead.whole - begin.whole;
  s.lead = lead.whole;
  s.fraction = lead.fraction - begin.fraction;
  s.lead_fraction = lead.fraction;
  s.real_begin = begin.value;
  s.origin = difference(begin.value, lead.value);
  s.real_lead = lead.value;
  return s;
}

template <typename U>
MLXS_FN U saturated_sum(U a, U b) {
  U s = a + b;
  return s < a ? ~U(0) : s;
}

// U is uint32_t where steps, the start's numbers and T are below 2^32, else uint64_t.
template <typename E, Span span, typename R, typename U>
MLXS_FN R column_value(U step, Start<R> b, Segment<R> s) {
  bool before = step < U(b.begin);
  U n = before ? U(b.lead) : saturated_sum(U(step - U(b.less)), U(b.more));
  return value_on<E, span>(n, before ? b.lead_fraction : b.fraction, s);
}

// In force from its begin on; not even by the largest step where that is never.
template <typename R>
MLXS_FN bool begun(Pair<R> step, Pair<R> begin) {
  return (step.hi - begin.hi) + (step.lo - begin.lo) >= R(0);
}

template <typename E, typename R>
MLXS_FN R real_column_value(Pair<R> step, Start<R> b, Segment<R> s) {
  bool before = (step.hi - b.real_begin.hi) + (step.lo - b.real_begin.lo) < R(0); // NaN is not
  Pair<R> n = difference(step, b.origin);
  return real_value_on<E>(Pair<R>{before ? b.real_lead.hi : n.hi, before ? b.real_lead.lo : n.lo}, s);
}

// Whether, for an ease that ends, steps from a begin on that are single numbers lie at single numbers from the origin,
// or beyond the length by either count: their last places are then multiples of the origin's, or the origin is 0.
template <typename R>
MLXS_FN bool single(Pair<R> origin, Pair<R> length) {
  R most = R(16777216);
  bool low = (origin.lo == R(0)) & (length.lo == R(0)), inside = (origin.hi >= R(0)) & (origin.hi + length.hi <= most);
  return low & ((origin.hi == R(0)) | (inside && R(int32_t(inside ? origin.hi : R(0))) == origin.hi));
}

// The same bits as real_column_value, where begin and lead are single numbers and so is what `single` asks for.
template <typename E, typename R>
MLXS_FN R single_column_value(R step, Start<R> b, Segment<R> s) {
  R n = step < b.real_begin.hi ? b.real_lead.hi : step - b.origin.hi; // NaN is not before
  return value_at<E>(elapsed_real_narrow(n, s.clock), s);
}

// From 0 on, as integers count, and short of what differences cannot hold; NaN passes.
template <typename R>
MLXS_FN R finite_step(R step) {
  R most = R(36893488147419103232.0); // 2^65, beyond every begin and length
  R s = step > most ? most : step;
  return s < R(0) ? R(0) : s;
}

// Steps from `begin` on, modulo `period`.
MLXS_FN uint64_t folded(uint64_t step, uint64_t begin, uint64_t period) {
  return step < begin || period == 0 ? step : begin + (step - begin) % period;
}

// Three turns bring 2^64 below the period, each exact: 24 bits of the quotient, in double 53, times a pair.
template <typename R>
MLXS_FN Pair<R> remainder(Pair<R> n, Pair<R> period) { // both positive; as exact as a pair holds n, which is below 2^48
  R per = one_over(period.hi);
  for (int i = 0; i < 3; i++) {
    R q = divided(n.hi, period.hi, per);
    q = q < R(8388608) && q > R(-8388608) ? R(int32_t(q)) : q; // beyond, floats are whole
    R whole = mul(q, period.hi);
    Pair<R> rest = two_sum(n.hi, -whole);
    n = fast_two_sum(rest.hi, rest.lo + (fused(-q, period.lo, n.lo) - fused(q, period.hi, -whole)));
  }
  bool under = (n.hi < R(0)) | ((n.hi == R(0)) & (n.lo < R(0)));
  bool over = (n.hi - period.hi) + (n.lo - period.lo) >= R(0);
  R by = under ? R(-1) : (over ? R(1) : R(0));
  return difference(n, Pair<R>{mul(by, period.hi), mul(by, period.lo)});
}

template <typename R>
MLXS_FN Pair<R> folded(Pair<R> step, Pair<R> begin, Pair<R> period) {
  Pair<R> n = difference(step, begin);
  bool repeats = (n.hi >= R(0)) & (period.hi > R(0));
  Pair<R> rest = remainder(n, Pair<R>{repeats ? period.hi : R(1), repeats ? period.lo : R(0)});
  rest = difference(rest, negated(begin));
  return {repeats ? rest.hi : step.hi, repeats ? rest.lo : step.lo};
}
