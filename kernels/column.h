// A column: a segment that is in force from some step on and may be entered partway. Its `lead` is how many steps into
// the segment it is entered.
#pragma once

#include "segment.h"

template <typename R>
struct Start { // where a column comes into force, and how it counts n, the number of steps into its segment
  // For exact steps: n = step - less + more + fraction from `begin` on, which is rounded up; before that, n = lead.
  uint64_t begin, less, more, fraction;
  uint64_t begin_fraction, lead, lead_fraction;
  // For real steps: n = step - origin from `real_begin` on; before that, n = real_lead.
  Pair<R> real_begin, origin, real_lead;
};

template <typename R>
MLXS_FN Pair<R> difference(Pair<R> a, Pair<R> b) {
  Pair<R> d = two_sum(a.hi, -b.hi);
  return fast_two_sum(d.hi, d.lo + (a.lo - b.lo));
}

template <typename R>
MLXS_FN Start<R> start(Time<R> begin, Time<R> lead) {
  Steps b = begin.steps, l = lead.steps;
  uint64_t whole = b.whole + (l.fraction < b.fraction ? 1 : 0);
  bool later = whole >= l.whole;
  Start<R> s;
  s.begin = b.whole + (b.fraction > 0 ? 1 : 0);
  s.less = later ? whole - l.whole : uint64_t(0);
  s.more = later ? uint64_t(0) : l.whole - whole;
  s.fraction = l.fraction - b.fraction;
  s.begin_fraction = b.fraction;
  s.lead = l.whole;
  s.lead_fraction = l.fraction;
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

// The number of steps into its segment at an integer step, where begin, lead and T are whole. U is uint32_t where the
// step and all of these are below 2^32, otherwise uint64_t.
template <typename R, typename U>
MLXS_FN U whole_steps_into(U step, Start<R> b) {
  return step < U(b.begin) ? U(b.lead) : saturated_sum(U(step - U(b.less)), U(b.more));
}

// Whether a column that begins at `begin` is in force at `step`. A begin from 2^64 on (or of whole steps, 2^64 - 1)
// means never, even for the largest step.
template <typename R>
MLXS_FN bool begun(Pair<R> step, Pair<R> begin) {
  return (begin.hi < R(18446744073709551616.0)) & ((step.hi - begin.hi) + (step.lo - begin.lo) >= R(0));
}

MLXS_FN bool begun(Steps step, Steps begin) {
  return !before(step, begin) & (begin.whole != ~uint64_t(0));
}

// A step of any kind: in fixed point to 2^-64, and `more`, the part of a fractional step below that, or NaN.
template <typename R>
struct Exact {
  Steps steps;
  R more;
};

template <typename R>
MLXS_FN Exact<R> steps_into(Exact<R> step, Start<R> b) {
  bool led = before(step.steps, Steps{b.begin - (b.begin_fraction > 0 ? 1 : 0), b.begin_fraction});
  uint64_t fraction = step.steps.fraction + b.fraction;
  uint64_t whole = step.steps.whole - b.less + (fraction < b.fraction ? 1 : 0);
  return {{led ? b.lead : saturated_sum(whole, b.more), led ? b.lead_fraction : fraction},
          led ? step.more - step.more : step.more};
}

template <typename E, typename R>
MLXS_FN R column_value(Exact<R> step, Start<R> b, Segment<R> s) {
  Exact<R> n = steps_into(step, b);
  return exact_value_on<E>(n.steps, n.more, s);
}

template <typename R>
MLXS_FN Pair<R> steps_into(Pair<R> step, Start<R> b) {
  bool led = (step.hi - b.real_begin.hi) + (step.lo - b.real_begin.lo) < R(0); // false for NaN
  Pair<R> n = difference(step, b.origin);
  return {led ? b.real_lead.hi : n.hi, led ? b.real_lead.lo : n.lo};
}

template <typename E, typename R>
MLXS_FN R column_value(Pair<R> step, Start<R> b, Segment<R> s) {
  return real_value_on<E>(steps_into(step, b), s);
}

// Whether a single R is enough for step - origin, from the begin on, in an ease that ends at its length. It is if the
// origin is 0. It is also if the origin is whole and origin + length <= 2^24: up to there the origin is a multiple of
// the step's last place, so that the difference is exact, and beyond, it is past the length even when rounded.
template <typename R>
MLXS_FN bool single(Pair<R> origin, Pair<R> length) {
  R most = R(16777216);
  bool low = (origin.lo == R(0)) & (length.lo == R(0)), inside = (origin.hi >= R(0)) & (origin.hi + length.hi <= most);
  return low & ((origin.hi == R(0)) | (inside & (R(int32_t(inside ? origin.hi : R(0))) == origin.hi)));
}

// The same as steps_into, where begin and lead fit a single R and `single` holds.
template <typename R>
MLXS_FN R single_steps_into(R step, Start<R> b) {
  return step < b.real_begin.hi ? b.real_lead.hi : step - b.origin.hi; // NaN passes through
}

// A real step, at least 0 as for integers, and at most 2^65 so that differences stay finite. NaN passes through.
template <typename R>
MLXS_FN R finite_step(R step) {
  R most = R(36893488147419103232.0); // 2^65, beyond every begin and length
  R s = step > most ? most : step;
  return s < R(0) ? R(0) : s;
}

// A step from finite_step in fixed point. From 2^64 on it counts as the largest step.
template <typename R>
MLXS_FN Exact<R> exact(R step) {
  bool last = step >= R(18446744073709551616.0), small = step < R(1);
  Steps s = steps_of(step >= R(0) && !last ? step : R(0));
  R held = mul(R(small ? s.fraction : uint64_t(0)), R(5.421010862427522e-20)); // 2^-64
  return {{last ? ~uint64_t(0) : s.whole, s.fraction}, small ? step - held : step - step};
}

// n modulo period, both positive. Exact for n below 2^48, which is as much as a pair holds. Each round subtracts period
// times 24 bits of the quotient (in double 53), exactly; three rounds bring 2^64 below the period.
template <typename R>
MLXS_FN Pair<R> remainder(Pair<R> n, Pair<R> period) {
  R per = one_over(period.hi);
  for (int i = 0; i < 3; i++) {
    R q = divided(n.hi, period.hi, per);
    const R most = sizeof(R) == 4 ? R(8388608) : R(4503599627370496.0); // 2^23, 2^52: larger numbers are whole already
    q = q < most && q > -most ? (sizeof(R) == 4 ? R(int32_t(q)) : R(int64_t(q))) : q;
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
