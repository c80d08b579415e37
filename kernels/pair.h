// Unevaluated pairs: twice the precision of a float from +, * and fma.
//
// The headers of this folder are C++14 without library, pointers or references, so that MSL, CUDA and any host compiler
// take them. prelude/ has what each of those supplies first:
//   MLXS_FN            qualifiers of a function
//   fused(a, b, c)     a*b + c, rounded once
//   mul(a, b)          a*b, which the compiler may not contract into a later addition
//   exponent_scale(x)  the power of two that brings x into [1, 2), for x from 2^-60 to 2^64
// and they are compiled without contraction and without fast math. Results rest on +, *, fused and exact conversions
// alone, which every device rounds alike; of a division only that it is right to 64 ULP.

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

// 1/t to the nearest R for t in [1, 2), whatever the division gives within 64 ULP: one ULP there changes 1.6e-7 of all
// results. The last line is for the one t whose steps end a little low; above a half comes a half and its last place.
template <typename R>
MLXS_FN R reciprocal(R quotient, R t) {
  R r = fused(quotient, fused(-quotient, t, R(1)), quotient);
  r = fused(r, fused(-r, t, R(1)), r);
  return r > R(0.5) ? r : (sizeof(R) == 4 ? R(0.50000006) : R(0.50000000000000011));
}
