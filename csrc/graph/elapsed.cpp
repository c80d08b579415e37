#include "elapsed.h"

namespace mlx_schedules {

namespace {

constexpr double kMost = 0x1p64; // as infinity counts

bool all_whole(const Column& c) {
  bool rests = c.folded || c.has(kBeginRest) || c.has(kLengthRest) || c.has(kLeadRest);
  return !rests && is_integer(c.of(kStep)) && is_integer(c.of(kBegin)) && is_integer(c.of(kLength)) &&
         is_integer(c.of(kLead));
}

// An operand as a pair: of integers what the nearest real lacks of them, and its rest.
Pair number(const mx::array& a, const mx::array& rest, const Ops& op) {
  auto whole = is_integer(a) ? from_integer(op.natural(a), op) : Pair{a, op.constant(0)};
  return sum(whole, {rest, op.constant(0)}, op);
}

Pair number(const Column& c, Operand k, Operand rest, const Ops& op) {
  if (c.is_fraction(rest)) {
    auto part = from_integer(c.of(rest), op);
    return sum(from_integer(op.natural(c.of(k)), op), {op.mul(part.hi, 0x1p-64), op.mul(part.lo, 0x1p-64)}, op);
  }
  return number(c.of(k), c.rest(rest), op);
}

Pair step_of(const Column& c, const Ops& op) {
  auto step = c.of(kStep);
  return number(is_integer(step) ? step : op.at_most(op.as_real(step), kMost), op.as_real(c.step_rest), op);
}

Pair positive(const Pair& x, const Ops& op) { // NaN passes
  return select(op.below(x.hi, 0), {op.constant(0), op.constant(0)}, x, op);
}

mx::array not_positive(const Pair& x, const Ops& op) {
  return mx::less_equal(op.add(x.hi, x.lo), op.constant(0), op.s);
}

mx::array at_least_one(const mx::array& n, const Ops& op) {
  return mx::maximum(n, mx::array(1, mx::uint64), op.s);
}

// n as whole lengths and what remains, from 0 on. Turn by turn half a real's bits of the quotient, each exact: right
// for quotients to 2^48, in float64 2^64.
struct Division {
  Pair turns, remainder;
};

Division division(Pair n, const Pair& length, const Ops& op) {
  auto a = halved(length, op), rest = halved({a.lo, op.constant(0)}, op);
  Pair turns{op.constant(0), op.constant(0)};
  for (int i = op.twice() ? 3 : 4; i > 0; i--) {
    auto q = halved({op.floor(op.add(op.div(n.hi, length.hi), op.constant(0.5))), op.constant(0)}, op).hi;
    auto less = op.negative(q);
    n = sum(n, {op.mul(less, a.hi), op.mul(less, rest.lo)}, op);
    n = sum(n, {op.mul(less, rest.hi), op.constant(0)}, op);
    turns = sum(turns, {q, op.constant(0)}, op);
  }
  auto under = op.below(op.add(n.hi, n.lo), 0);
  auto one_less = sum(turns, {op.constant(-1), op.constant(0)}, op);
  return {select(under, one_less, turns, op), select(under, sum(n, length, op), n, op)};
}

// All in integers, which wrap for none.
Along<mx::array> whole_elapsed(const Column& c, const Ops& op) {
  auto s = op.s;
  auto step = op.natural(c.of(kStep)), begin = op.natural(c.of(kBegin)), length = op.natural(c.of(kLength));
  auto n = mx::add(mx::subtract(mx::maximum(step, begin, s), begin, s), op.natural(c.of(kLead)), s);
  auto gone = mx::minimum(n, length, s), left = mx::subtract(length, gone, s);
  auto first = mx::less_equal(gone, left, s), ended = mx::equal(length, mx::array(0, mx::uint64), s);
  auto divisor = at_least_one(length, op);
  return {n, mx::where(first, gone, left, s), first, divisor, ended, mx::floor_divide(n, divisor, s)};
}

} // namespace

Elapsed elapsed(const Column& c, const Ops& op) {
  auto s = op.s;
  auto ended = mx::less_equal(op.add(op.as_real(c.of(kLength)), c.rest(kLengthRest)), op.constant(0), s);
  auto length = op.select(ended, op.constant(1), op.add(op.as_real(c.of(kLength)), c.rest(kLengthRest)));
  if (all_whole(c)) { // near the end length - n is exact
    auto w = whole_elapsed(c, op);
    return {op.as_real(w.n), op.as_real(w.nearer), w.first, length, ended, op.as_real(w.turns)};
  }
  auto since = op.sub(op.difference(c.of(kStep), c.of(kBegin)), c.rest(kBeginRest));
  since = op.positive(c.folded ? op.add(since, c.step_rest) : since);
  auto n = op.add(op.add(since, op.as_real(c.of(kLead))), c.rest(kLeadRest));
  auto high = op.as_real(c.of(kLength)), low = c.rest(kLengthRest);
  if (is_integer(c.of(kLength))) { // what the nearest real lacks of it
    low = op.add(low, op.difference(c.of(kLength), mx::astype(high, mx::uint64, s)));
  }
  auto left = op.positive(op.add(op.sub(high, n), low));
  auto first = mx::less_equal(n, left, s);
  return {n, op.select(first, n, left), first, length, ended, op.stop(op.floor(op.div(n, length)))};
}

Along<Pair> exactly_elapsed(const Column& c, const Ops& op) {
  if (all_whole(c)) {
    auto w = whole_elapsed(c, op);
    return {from_integer(w.n, op),
            from_integer(w.nearer, op),
            w.first,
            from_integer(w.length, op),
            w.ended,
            from_integer(w.turns, op)};
  }
  auto length = number(c, kLength, kLengthRest, op);
  auto ended = not_positive(length, op);
  length = select(ended, {op.constant(1), op.constant(0)}, length, op);
  auto since = positive(sum(step_of(c, op), negated(number(c, kBegin, kBeginRest, op), op), op), op);
  auto n = sum(since, number(c, kLead, kLeadRest, op), op);
  auto left = positive(sum(length, negated(n, op), op), op);
  auto first = not_positive(sum(n, negated(left, op), op), op);
  return {n, select(first, n, left, op), first, length, ended, division(n, length, op).turns};
}

mx::array begun(const Column& c, const Ops& op) {
  auto since = op.sub(op.difference(c.of(kStep), c.of(kBegin)), c.rest(kBeginRest));
  auto in_force = mx::greater_equal(c.folded ? op.add(since, c.step_rest) : since, op.constant(0), op.s);
  if (!is_integer(c.of(kBegin))) {
    return op.both(in_force, op.below(op.as_real(c.of(kBegin)), 0x1p64));
  }
  if (c.of(kBegin).dtype().size() < 8) {
    return in_force;
  }
  auto never = mx::array(uint64_t(~0ull), mx::uint64);
  return op.both(in_force, mx::not_equal(op.natural(c.of(kBegin)), never, op.s));
}

namespace {

void fold_reals(Column& c, const mx::array& in_force, const Ops& op) {
  auto period = number(c, kPeriod, kPeriodRest, op), begin = number(c, kBegin, kBeginRest, op);
  period = select(not_positive(period, op), {op.constant(1), op.constant(0)}, period, op);
  auto step = step_of(c, op), n = sum(step, negated(begin, op), op);
  auto folded = select(in_force, sum(division(n, period, op).remainder, begin, op), step, op);
  auto each = op.add(op.as_real(c.of(kPeriod)), c.rest(kPeriodRest)), real = op.as_real(c.of(kStep));
  auto turns = op.stop(op.floor(op.div(op.sub(real, op.add(begin.hi, begin.lo)), each)));
  auto slope = op.select(in_force, op.sub(real, op.mul(turns, each)), real); // which has the derivatives
  c.operands[kStep] = op.add(op.stop(folded.hi), op.sub(slope, op.stop(slope)));
  c.step_rest = op.stop(folded.lo);
  c.folded = true;
}

} // namespace

void fold(Column& c, const Ops& op) {
  auto s = op.s;
  auto step = c.of(kStep), begin = c.of(kBegin), period = c.of(kPeriod);
  auto in_force = begun(c, op);
  if (!is_integer(begin) || !is_integer(period) || c.has(kBeginRest) || c.has(kPeriodRest)) {
    return fold_reals(c, in_force, op);
  }
  if (!is_integer(step)) {                        // whole steps are folded, and the fraction with its derivative stays
    step = op.at_most(op.positive(step), 0x1p63); // infinity stays among the integers
    auto whole = op.stop(op.floor(step));
    c.step_rest = op.sub(step, whole);
    c.folded = true;
    step = mx::astype(whole, mx::uint64, s);
  }
  auto from = op.natural(begin), n = mx::subtract(mx::maximum(op.natural(step), from, s), from, s);
  auto again = mx::add(from, mx::remainder(n, at_least_one(op.natural(period), op), s), s);
  c.operands[kStep] = mx::where(in_force, again, op.natural(step), s);
}

} // namespace mlx_schedules
