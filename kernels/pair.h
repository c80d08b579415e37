// Unevaluated pairs: twice the precision of a float from +, * and fma.
#pragma once

template <typename R>
struct Pair { // hi + lo, unevaluated; |lo| is at most an ulp or so of hi
  R hi, lo;
};

template <typename R>
MLXS_FN Pair<R> fast_two_sum(R a, R b) { // exact for |a| >= |b|
  R s = a + b;
  return {s, b - (s - a)};
}

template <typename R>
MLXS_FN Pair<R> two_sum(R a, R b) { // exact, any order
  R s = a + b;
  R bb = s - a;
  return {s, (a - (s - bb)) + (b - bb)};
}

template <typename R>
MLXS_FN Pair<R> square(R n) {
  R q = mul(n, n);
  return {q, fused(n, n, -q)};
}

template <typename R>
MLXS_FN Pair<R> square(Pair<R> n) {
  Pair<R> q = square(n.hi);
  return {q.hi, fused(n.hi + n.hi, n.lo, q.lo)};
}

template <typename R>
MLXS_FN Pair<R> times(Pair<R> a, R b) { // b a power of two
  return {mul(a.hi, b), mul(a.lo, b)};
}

template <typename R>
MLXS_FN Pair<R> product(R a, Pair<R> b) { // to 2^-46; the last bits of a pair
  R p = mul(a, b.hi);
  return {p, fused(a, b.lo, fused(a, b.hi, -p))};
}

template <typename R>
MLXS_FN Pair<R> product(Pair<R> a, Pair<R> b) {
  R p = mul(a.hi, b.hi);
  return {p, fused(a.hi, b.lo, fused(a.lo, b.hi, fused(a.hi, b.hi, -p)))};
}

template <typename R>
MLXS_FN Pair<R> horner(Pair<R> p, R x, R c) { // c + x p where that is within a factor 2 of c
  R s = fused(x, p.hi, c);
  return {s, fused(x, p.lo, fused(x, p.hi, c - s))};
}

template <typename R>
MLXS_FN Pair<R> horner(Pair<R> p, Pair<R> x, R c) {
  R s = fused(x.hi, p.hi, c);
  return {s, fused(x.hi, p.lo, fused(x.lo, p.hi, fused(x.hi, p.hi, c - s)))};
}

template <typename R>
MLXS_FN Pair<R> horner(Pair<R> p, Pair<R> x, Pair<R> c) {
  Pair<R> s = horner(p, x, c.hi);
  return {s.hi, s.lo + c.lo};
}

template <typename R>
MLXS_FN Pair<R> negated(Pair<R> a) {
  return {-a.hi, -a.lo};
}

template <typename R>
MLXS_FN R nearest(R x) { // the nearest whole number; above 2^22, in double 2^51, one near it
  R ones = sizeof(R) == 4 ? R(12582912) : R(6755399441055744.0); // 1.5 * 2^23, 1.5 * 2^52: their last place is 1
  return (x + ones) - ones;
}

template <typename R>
MLXS_FN R scaled(R y, R k) { // 2^k y, for k to 255, in double to 2047; from -254 on, in double from -2046
  const R least = sizeof(R) == 4 ? R(-254) : R(-2046);
  k = k < least ? least : k;
  R part = nearest(mul(k, R(0.5)));
  return mul(mul(y, power_of_two(part)), power_of_two(k - part));
}

// 1/t to the nearest R for t in [1, 2), whatever the quotient is within 64 ULP: one ULP there changes 1.6e-7 of all
// results. The last line is for the one t whose steps end a little low; above a half comes a half and its last place.
template <typename R>
MLXS_FN R reciprocal(R quotient, R t) {
  R r = fused(quotient, fused(-quotient, t, R(1)), quotient);
  r = fused(r, fused(-r, t, R(1)), r);
  return r > R(0.5) ? r : (sizeof(R) == 4 ? R(0.50000006) : R(0.50000000000000011));
}

template <typename R>
MLXS_FN R one_over(R b) { // to the nearest R, for b from 2^-126 to 2^126
  R scale = exponent_scale(b), t = mul(b, scale);
  return mul(reciprocal(rough_inverse(t), t), scale);
}

// a/b to the nearest R, `inverse` being 1/b to the nearest: within an ULP after the second line, hence exact
// (Markstein).
template <typename R>
MLXS_FN R divided(R a, R b, R inverse) {
  R q = mul(a, inverse);
  q = fused(fused(-q, b, a), inverse, q);
  return fused(fused(-q, b, a), inverse, q);
}
