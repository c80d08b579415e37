// How far along a segment a step is, exactly, for every type of step and every length. T is a segment's length.
#pragma once

#include "steps.h"

template <typename R>
struct Time {    // a number of steps in two forms
  Steps steps;   // fixed point, to 2^-64
  Pair<R> value; // floating point, which is more precise for numbers far below 1
};

template <typename R>
struct Clock { // a segment's length, prepared for measuring steps against it
  Time<R> length;
  R part;  // the fraction of T, exact where T fits a single R
  R scale; // a power of two that keeps (scale n)^2 far from underflow; 1 for T from 1 to 2^25
  // Used by Count::Lengths only:
  Pair<R> per_step; // 1/T
  uint64_t inverse; // floor((2^64 - 1) / the whole part of T)
};

enum class Count { // how an ease counts steps
  Nearer,          // the distance to the nearer endpoint, clipped to [0, T]
  Begin,           // steps since the begin, without limit
  Lengths,         // whole multiples of T since the begin, without limit
};

// What Count counts. N is R where a single R holds every distance, otherwise Pair<R>.
template <typename N>
struct Elapsed {
  N n;        // a distance in steps, times Clock::scale; or a number of lengths
  bool first; // whether n is counted from the first endpoint
};

template <typename R>
MLXS_FN Time<R> integer_time(uint64_t t) {
  bool large = (t >> 63) != 0;
  Pair<R> v = times(split<R>(large ? t >> 1 : t), large ? R(2) : R(1));
  return {{t, 0}, {v.hi, v.lo + (large ? R(int32_t(t & 1)) : R(0))}};
}

template <typename R>
MLXS_FN Time<R> with_fraction(Time<R> t, uint64_t fraction) { // t is whole
  Steps steps = {t.steps.whole, fraction};
  Pair<R> v = pair_of<R>(steps);
  return {steps, {fraction != 0 ? v.hi : t.value.hi, fraction != 0 ? v.lo : t.value.lo}};
}

template <typename R>
MLXS_FN Time<R> real_time(R t) {
  R most = R(18446744073709551616.0); // 2^64
  bool fits = t > R(0) && t < most;
  Steps steps = steps_of(fits ? t : R(0));
  R value = t < R(0) ? R(0) : t; // a negative begin or length is past already, like 0; NaN passes through
  return {{t >= most ? ~uint64_t(0) : steps.whole, steps.fraction}, {t >= most ? most : value, R(0)}};
}

// Adds the part of a real number of steps that its first float could not hold.
template <typename R>
MLXS_FN Time<R> with_rest(Time<R> t, R rest) {
  Steps by = steps_of(rest < R(0) ? -rest : rest);
  return {rest < R(0) ? less(t.steps, by) : plus(t.steps, by), fast_two_sum(t.value.hi, t.value.lo + rest)};
}

// ---------------------------------------------------------------------------------------------------------------
// Count::Nearer. There are several ways to count, from cheap to general; all give the same bits.

// For integer steps and a whole T of at most 2^25: a float holds the distance to the nearer endpoint, at most 2^24.
template <typename R>
MLXS_FN Elapsed<R> elapsed_narrow(uint32_t step, Clock<R> c) {
  uint32_t whole = uint32_t(c.length.steps.whole), clipped = step < whole ? step : whole, left = whole - clipped;
  bool first = clipped <= left;
  return {R(int32_t(first ? clipped : left)), first};
}

// For integer steps and a whole T. U is uint32_t where T < 2^32, otherwise uint64_t.
template <typename R, typename U>
MLXS_FN Elapsed<Pair<R>> elapsed_whole(U step, Clock<R> c) {
  U whole = U(c.length.steps.whole), clipped = step < whole ? step : whole, left = whole - clipped;
  bool first = clipped <= left;
  return {times(split<R>(U(first ? clipped : left)), c.scale), first};
}

// For integer steps and a T that is whole or fits a single R.
template <typename R, typename U>
MLXS_FN Elapsed<Pair<R>> elapsed_wide(U step, Clock<R> c) {
  U whole = U(c.length.steps.whole), clipped = step < whole ? step : whole, left = whole - clipped;
  bool first = step <= left; // not `clipped <= left`, which for T < 1 also holds beyond T
  Pair<R> n = split<R>(U(first ? clipped : left));
  R part = (first | (step > whole)) ? R(0) : c.part;
  return {times(fast_two_sum(n.hi, n.lo + part), c.scale), first};
}

// For steps of any kind and any T. `more` is the part of a fractional step below 2^-64, or NaN.
template <typename R>
MLXS_FN Elapsed<Pair<R>> elapsed_exact(Steps step, R more, Clock<R> c) {
  bool ended = !before(step, c.length.steps);
  Steps left = less(c.length.steps, step); // selected member by member: Mesa can't select between structs in memory
  left = {ended ? uint64_t(0) : left.whole, ended ? uint64_t(0) : left.fraction};
  bool first = !ended & !before(left, step);
  Pair<R> n = pair_of<R>(Steps{first ? step.whole : left.whole, first ? step.fraction : left.fraction});
  R lo = n.lo + (first ? more : (ended ? more - more : -more));
  return {times(fast_two_sum(n.hi, lo), c.scale), first};
}

// For fractional steps and a T that fits a single R. In the second half T - s is exact (Sterbenz's lemma). NaN passes
// through.
template <typename R>
MLXS_FN Elapsed<R> elapsed_real_narrow(R step, Clock<R> c) {
  R s = step < R(0) ? R(0) : step;
  s = s > c.length.value.hi ? c.length.value.hi : s;
  R left = c.length.value.hi - s;
  bool first = s <= left;
  return {mul(first ? s : left, c.scale), first};
}

// For fractional steps and any T. Gives the same bits as elapsed_real_narrow where both apply.
template <typename R>
MLXS_FN Elapsed<Pair<R>> elapsed_real(Pair<R> step, Clock<R> c) {
  R beyond = c.length.value.hi + c.length.value.hi; // keeps infinity out of the differences
  bool inside = (step.hi >= R(0)) & (step.hi <= beyond);
  R s = step.hi < R(0) ? R(0) : step.hi, sl = inside ? step.lo : R(0);
  s = s > beyond ? beyond : s;
  Pair<R> left = two_sum(c.length.value.hi, -s);
  left = fast_two_sum(left.hi, left.lo + (c.length.value.lo - sl));
  bool first = (s - left.hi) + (sl - left.lo) <= R(0);
  bool ended = left.hi <= R(0);
  R hi = first ? s : (ended ? R(0) : left.hi);
  R lo = first ? sl : (ended ? R(0) : left.lo);
  return {times(Pair<R>{hi, lo}, c.scale), first};
}

// ---------------------------------------------------------------------------------------------------------------
// Count::Begin. Negative steps count as 0; fractional steps above 2^64 count as 2^64.

template <typename R, typename U>
MLXS_FN Elapsed<Pair<R>> elapsed_on(U step, Clock<R> c) {
  return {times(split_any<R>(step), c.scale), true};
}

template <typename R>
MLXS_FN Elapsed<Pair<R>> elapsed_exact_on(Steps step, R more, Clock<R> c) {
  Pair<R> n = pair_of<R>(step);
  return {times(fast_two_sum(n.hi, n.lo + more), c.scale), true};
}

template <typename R>
MLXS_FN R on(R step) { // NaN passes through
  R most = R(18446744073709551616.0);
  R s = step < R(0) ? R(0) : step;
  return s > most ? most : s;
}

template <typename R>
MLXS_FN Pair<R> on(Pair<R> step) {
  R s = on(step.hi);
  return {s, s == step.hi ? step.lo : R(0)};
}

template <typename R>
MLXS_FN Elapsed<Pair<R>> elapsed_real_on(Pair<R> step, Clock<R> c) {
  return {times(on(step), c.scale), true};
}

// ---------------------------------------------------------------------------------------------------------------
// Count::Lengths. Integer steps are counted exactly, and real steps are exact below 2^48, as much as a pair holds.

// n / T rounded down, for a whole T. The high product is that or one less, since inverse / 2^bits falls short of 1/T by
// at most (1 + 1/T) / 2^bits, and for T = 1 by 1 / 2^bits.
template <typename U>
MLXS_FN U quotient(U n, uint64_t whole, uint64_t inverse) {
  U q = high_product(n, U(inverse >> (64 - 8 * sizeof(U))));
  return q + U(U(n - q * U(whole)) >= U(whole));
}

// n / T rounded down: the nearest whole number, less one if a negative remainder shows that it exceeds n / T.
template <typename R>
MLXS_FN Pair<R> lengths(Pair<R> n, Clock<R> c) {
  Pair<R> t = c.length.value, q = product(n, c.per_step);
  R hi = nearest(q.hi), lo = nearest((q.hi - hi) + q.lo);
  R p = mul(hi, t.hi);
  R rest = fused(-lo, t.hi, n.hi - p) - fused(hi, t.hi, -p);
  rest = fused(-lo, t.lo, fused(-hi, t.lo, rest + n.lo));
  return fast_two_sum(hi, rest < R(0) ? lo - R(1) : lo);
}

template <typename R, typename U>
MLXS_FN Elapsed<Pair<R>> elapsed_lengths(U step, Clock<R> c) { // U is uint32_t where T < 2^32, otherwise uint64_t
  return {split_any<R>(quotient(step, c.length.steps.whole, c.inverse)), true};
}

template <typename R>
MLXS_FN Elapsed<Pair<R>> elapsed_exact_lengths(Steps step, R more, Clock<R> c) {
  Pair<R> n = split_any<R>(division<R>(step, c.length.steps).count);
  return {{n.hi, n.lo + (more - more)}, true};
}

template <typename R>
MLXS_FN Elapsed<Pair<R>> elapsed_real_lengths(Pair<R> step, Clock<R> c) {
  return {lengths(on(step), c), true};
}

// ---------------------------------------------------------------------------------------------------------------
// Span: the cheapest way to count that T allows.

enum class Span { Narrow, Wide32, Wide64 };

template <typename R>
MLXS_FN Span integer_span(Time<R> t) { // Narrow: T is whole and at most 2^25; Wide32: T < 2^32; Wide64: any T
  if (t.steps.whole >> 32) {
    return Span::Wide64;
  }
  return t.steps.whole > (1u << 25) || t.steps.fraction != 0 ? Span::Wide32 : Span::Narrow;
}

template <typename R>
MLXS_FN Span real_span(Time<R> t) { // Narrow: T fits a single R; Wide64: any T
  return t.value.lo == R(0) ? Span::Narrow : Span::Wide64;
}

// An integer step, clipped to U's range: negative steps become 0, steps beyond U its largest value.
template <typename U, typename S>
MLXS_FN U clipped(S step) {
  step = step < S(0) ? S(0) : step;
  return sizeof(S) > sizeof(U) && step > S(U(-1)) ? U(-1) : U(step);
}
