// Pairs of floats, whose unevaluated sum has twice a float's precision. They need +, * and fma only.
#pragma once

template <typename R>
struct Pair { // the number hi + lo; |lo| is at most about an ULP of hi
  R hi, lo;
};

template <typename R>
MLXS_FN Pair<R> fast_two_sum(R a, R b) { // exact for |a| >= |b|
  R s = a + b;
  return {s, b - (s - a)};
}

template <typename R>
MLXS_FN Pair<R> two_sum(R a, R b) { // exact for a and b in any order
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
MLXS_FN Pair<R> times(Pair<R> a, R b) { // b is a power of two
  return {mul(a.hi, b), mul(a.lo, b)};
}

template <typename R>
MLXS_FN Pair<R> product(R a, Pair<R> b) { // to within 2^-46, about the precision of a pair
  R p = mul(a, b.hi);
  return {p, fused(a, b.lo, fused(a, b.hi, -p))};
}

template <typename R>
MLXS_FN Pair<R> product(Pair<R> a, Pair<R> b) {
  R p = mul(a.hi, b.hi);
  return {p, fused(a.hi, b.lo, fused(a.lo, b.hi, fused(a.hi, b.hi, -p)))};
}

template <typename R>
MLXS_FN Pair<R> horner(Pair<R> p, R x, R c) { // c + x p, which must be within a factor of 2 of c
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
MLXS_FN R nearest(R x) { // the nearest whole number; above 2^22 (in double 2^51) only a whole number nearby
  R ones = sizeof(R) == 4 ? R(12582912) : R(6755399441055744.0); // 1.5 * 2^23, 1.5 * 2^52, whose last place is 1
  return (x + ones) - ones;
}

// 2^k y, for k up to 255 (in double 2047). A k below -254 (in double -2046) counts as that.
template <typename R>
MLXS_FN R scaled(R y, R k) {
  const R least = sizeof(R) == 4 ? R(-254) : R(-2046);
  k = k < least ? least : k;
  R part = nearest(mul(k, R(0.5)));
  return mul(mul(y, power_of_two(part)), power_of_two(k - part));
}

// 1/t rounded to nearest, for t in [1, 2) and any `quotient` within 64 ULP of 1/t. Devices divide differently, and an
// error of one ULP here would change 1.6e-7 of all results. The last line corrects the one t for which the iteration
// ends at 0.5 instead of the next number above.
template <typename R>
MLXS_FN R reciprocal(R quotient, R t) {
  R r = fused(quotient, fused(-quotient, t, R(1)), quotient);
  r = fused(r, fused(-r, t, R(1)), r);
  return r > R(0.5) ? r : (sizeof(R) == 4 ? R(0.50000006) : R(0.50000000000000011));
}

template <typename R>
MLXS_FN R one_over(R b) { // 1/b rounded to nearest, for b from 2^-126 to 2^126
  R scale = exponent_scale(b), t = mul(b, scale);
  return mul(reciprocal(rough_inverse(t), t), scale);
}

// a/b rounded to nearest, where `inverse` is 1/b rounded to nearest. The first correction brings q within an ULP; from
// there the second rounds correctly (Markstein's theorem).
template <typename R>
MLXS_FN R divided(R a, R b, R inverse) {
  R q = mul(a, inverse);
  q = fused(fused(-q, b, a), inverse, q);
  return fused(fused(-q, b, a), inverse, q);
}
