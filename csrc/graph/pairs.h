// Numbers as unevaluated sums of two reals, from MLX's ops, for values alone: nothing here has a derivative.
//
// MLX has no fused multiply-add to ask for, and a compiler that fuses its ops may make one of any product and sum. So
// products are made of factors of half a real's bits: they are exact, and then fusing changes nothing.
#pragma once

#include "ops.h"

namespace mlx_schedules {

struct Pair { // hi + lo
  mx::array hi, lo;
};

// The same number with half a real's bits in hi; |lo| is far below hi. What `product` takes.
Pair halved(const Pair& x, const Ops& op);

Pair two_sum(const mx::array& a, const mx::array& b, const Ops& op); // exact
Pair sum(const Pair& a, const Pair& b, const Ops& op);
Pair negated(const Pair& x, const Ops& op);
Pair select(const mx::array& condition, const Pair& a, const Pair& b, const Ops& op);

// Of halved pairs, halved; to 2^-35, in float64 2^-78.
Pair product(const Pair& a, const Pair& b, const Ops& op);
// Halved, likewise; of any pairs.
Pair quotient(const Pair& a, const Pair& b, const Ops& op);

Pair from_integer(const mx::array& n, const Ops& op); // a uint64; exact below 2^48, in float64 always

// log(2^k (b + a) / (b - a)), halved, for a/b up to 0.1716 = tan^2(pi/8).
Pair log_of_ratio(const Pair& a, const Pair& b, const mx::array& k, const Ops& op);
// log(2^k (one + x)), halved, where `one` is 1 or 0; nothing of a small x is lost beside 1.
Pair log_after(const mx::array& one, const Pair& x, const Ops& op);
Pair log_after(const mx::array& one, const Pair& x, const Ops& op, const mx::array& k);

struct Exp { // exp(L) = half^2 rest (1 + change)
  mx::array change, half, rest;
  mx::array limit; // 1, and where the exponent is beyond all reals 0 or the largest
};

Exp exp(const Pair& x, const Ops& op);                                // of a halved pair
mx::array scaled(const mx::array& base, const Exp& e, const Ops& op); // base exp(L)

struct Exponent { // of two: half^2 rest
  mx::array half, rest;
};

mx::array rounded_log2(const mx::array& x, const Ops& op);
Exponent power_of_two(const mx::array& k, const Ops& op); // for whole k to 250, in float64 2000, either sign
mx::array scaled(const mx::array& x, const Exponent& e, const Ops& op);

} // namespace mlx_schedules
