// A schedule from MLX's own ops: what is exported and differentiated. The nearer end's weight keeps the last steps, as
// the kernels do. Cosine asks no sin or cos of MLX's, which in float64 have float32's accuracy.

#include <cmath>
#include <numbers>
#include <optional>

#include "axes.h"

namespace mlx_schedules {

namespace {

bool is_integer(const mx::array& a) {
  return !mx::issubdtype(a.dtype(), mx::floating);
}

// MLX's ops on one stream, in the type that is computed in.
struct Ops {
  mx::Stream s;
  mx::Dtype real;

  mx::array constant(double x) const { return mx::array(x, real); }
  mx::array as_real(const mx::array& a) const { return mx::astype(a, real, s); }
  mx::array add(const mx::array& a, const mx::array& b) const { return mx::add(a, b, s); }
  mx::array sub(const mx::array& a, const mx::array& b) const { return mx::subtract(a, b, s); }
  mx::array mul(const mx::array& a, const mx::array& b) const { return mx::multiply(a, b, s); }
  mx::array div(const mx::array& a, const mx::array& b) const { return mx::divide(a, b, s); }
  mx::array both(const mx::array& a, const mx::array& b) const { return mx::logical_and(a, b, s); }

  // A condition has no derivative, and those MLX makes up for it keep the traced shape in shapeless compilation;
  // likewise what its maximum and minimum give a second time.
  mx::array select(const mx::array& condition, const mx::array& a, const mx::array& b) const {
    return mx::where(mx::stop_gradient(condition, s), a, b, s);
  }
  mx::array positive(const mx::array& a) const { // NaN passes
    return select(mx::less(a, constant(0), s), constant(0), a);
  }
  mx::array natural(const mx::array& a) const { // what is negative has not begun, or has ended
    bool negative = mx::issubdtype(a.dtype(), mx::signedinteger);
    return mx::astype(negative ? mx::maximum(a, mx::array(0, a.dtype()), s) : a, mx::uint64, s);
  }
  // a - b, rounded once where both are integers.
  mx::array difference(const mx::array& a, const mx::array& b) const {
    if (!is_integer(a) || !is_integer(b)) {
      return sub(as_real(a), as_real(b));
    }
    auto x = natural(a), y = natural(b), most = mx::maximum(x, y, s);
    return sub(as_real(mx::subtract(most, y, s)), as_real(mx::subtract(most, x, s)));
  }
};

// The operands of one column; those left out are 0.
struct Column {
  std::vector<std::optional<mx::array>> operands;
  const Ops& op;

  mx::array of(Operand k) const { return operands[k] ? *operands[k] : mx::array(0, mx::uint32); }
  bool has(Operand k) const { return operands[k].has_value(); }
  mx::array rest(Operand k) const { return op.as_real(of(k)); }
};

Column column_of(const std::vector<mx::array>& inputs, const Columns& columns, int index, const Ops& op) {
  Column column{std::vector<std::optional<mx::array>>(kOperands), op};
  for (size_t i = 0; i < inputs.size(); i++) {
    auto& a = inputs[i];
    bool front = has_columns(columns, i, a.ndim());
    column.operands[columns.operands[i]] = front ? mx::take(a, a.shape(0) == 1 ? 0 : index, 0, op.s) : a;
  }
  return column;
}

struct Elapsed {
  mx::array n;             // steps since the begin, and the lead
  mx::array nearer, first; // the distance to the nearer end, and whether that is the first
  mx::array length, ended; // with 1 for a length of 0 or less
};

bool all_whole(const Column& c) {
  bool rests = c.has(kBeginRest) || c.has(kLengthRest) || c.has(kLeadRest);
  return !rests && is_integer(c.of(kStep)) && is_integer(c.of(kBegin)) && is_integer(c.of(kLength)) &&
         is_integer(c.of(kLead));
}

// Near the end the difference length - n is exact: taken in integers where all are, else with the length as a pair.
Elapsed elapsed(const Column& c, const Ops& op) {
  auto s = op.s;
  auto ended = mx::less_equal(op.add(op.as_real(c.of(kLength)), c.rest(kLengthRest)), op.constant(0), s);
  auto length = op.select(ended, op.constant(1), op.add(op.as_real(c.of(kLength)), c.rest(kLengthRest)));
  if (all_whole(c)) {
    auto step = op.natural(c.of(kStep)), begin = op.natural(c.of(kBegin)), whole = op.natural(c.of(kLength));
    auto n = mx::add(mx::subtract(mx::maximum(step, begin, s), begin, s), op.natural(c.of(kLead)), s);
    auto gone = mx::minimum(n, whole, s), left = mx::subtract(whole, gone, s);
    auto first = mx::less_equal(gone, left, s);
    return {op.as_real(n), op.as_real(mx::where(first, gone, left, s)), first, length, ended};
  }
  auto since = op.positive(op.sub(op.difference(c.of(kStep), c.of(kBegin)), c.rest(kBeginRest)));
  auto n = op.add(op.add(since, op.as_real(c.of(kLead))), c.rest(kLeadRest));
  auto high = op.as_real(c.of(kLength)), low = c.rest(kLengthRest);
  if (is_integer(c.of(kLength))) { // what the nearest real lacks of it
    low = op.add(low, op.difference(c.of(kLength), mx::astype(high, mx::uint64, s)));
  }
  auto left = op.positive(op.add(op.sub(high, n), low));
  auto first = mx::less_equal(n, left, s);
  return {n, op.select(first, n, left), first, length, ended};
}

// ---- Eases: value from `from` to `to`

struct Ends {
  mx::array from, to;
};

// from + (to - from) w or to + (from - to) w. Half the range times twice the weight: the range may exceed a float.
mx::array interpolated(const mx::array& first, const mx::array& weight, const Ends& ends, const Ops& op) {
  auto half = op.constant(0.5);
  auto change = op.mul(op.sub(op.mul(ends.from, half), op.mul(ends.to, half)), op.add(weight, weight));
  return op.select(first, op.sub(ends.from, change), op.add(ends.to, change));
}

// sin^2(x) = x^2 - x^4/3 + 2 x^6/45 - ..., for x to pi/4; the last term is below 2^-54 of the first (2^-25 in float32).
mx::array sine_squared(const mx::array& x, const Ops& op) {
  auto v = mx::square(x, op.s);
  auto coefficient = [](int k) { return std::pow(-4.0, k) / -2 / std::tgamma(2 * k + 1); };
  int terms = op.real == mx::float64 ? 12 : 7;
  auto sum = op.constant(coefficient(terms));
  for (int k = terms - 1; k > 0; k--) {
    sum = op.add(op.mul(sum, v), op.constant(coefficient(k)));
  }
  return op.mul(sum, v);
}

mx::array Hold(const Elapsed& e, const Ends& ends, const mx::array&, const Ops& op) {
  return op.add(ends.from, op.mul(e.nearer, op.constant(0))); // and NaN stays NaN
}

mx::array Linear(const Elapsed& e, const Ends& ends, const mx::array&, const Ops& op) {
  return interpolated(e.first, op.div(e.nearer, e.length), ends, op);
}

mx::array Cosine(const Elapsed& e, const Ends& ends, const mx::array&, const Ops& op) {
  auto angle = op.mul(op.constant(std::numbers::pi / 2), op.div(e.nearer, e.length));
  return interpolated(e.first, sine_squared(angle, op), ends, op);
}

mx::array Power(const Elapsed& e, const Ends& ends, const mx::array& shape, const Ops& op) {
  auto f = op.div(e.nearer, e.length);
  auto none = op.both(e.first, mx::equal(f, op.constant(0), op.s)); // whose logarithm has no derivative
  auto head = mx::log(op.select(op.both(e.first, mx::not_equal(f, op.constant(0), op.s)), f, op.constant(1)), op.s);
  auto tail = mx::log1p(op.select(e.first, op.constant(0), op.mul(f, op.constant(-1))), op.s);
  auto l = op.mul(shape, op.select(e.first, head, tail));
  auto first = op.both(e.first, mx::less(l, op.constant(-std::numbers::ln2), op.s));
  first = mx::logical_or(first, none, op.s);
  auto begun = op.select(none, op.mul(f, op.constant(0)), mx::exp(l, op.s));
  return interpolated(first, op.select(first, begun, op.mul(mx::expm1(l, op.s), op.constant(-1))), ends, op);
}

mx::array ReversePower(const Elapsed& e, const Ends& ends, const mx::array& shape, const Ops& op) {
  auto mirrored = e;
  mirrored.first = mx::logical_not(e.first, op.s);
  return Power(mirrored, {ends.to, ends.from}, shape, op);
}

mx::array Geometric(const Elapsed& e, const Ends& ends, const mx::array&, const Ops& op) {
  auto l = op.mul(mx::log(op.div(ends.to, ends.from), op.s), op.div(e.nearer, e.length));
  auto falls = op.mul(ends.to, mx::exp(op.mul(l, op.constant(-1)), op.s));
  return op.select(e.first, op.mul(ends.from, mx::exp(l, op.s)), falls);
}

mx::array Exponential(const Elapsed& e, const Ends& ends, const mx::array& log_of_rate, const Ops& op) {
  return op.mul(ends.from, mx::exp(op.mul(log_of_rate, op.div(e.n, e.length)), op.s));
}

mx::array Stairs(const Elapsed& e, const Ends& ends, const mx::array& log_of_rate, const Ops& op) {
  auto turns = mx::stop_gradient(mx::floor(op.div(e.n, e.length), op.s), op.s);
  return op.mul(ends.from, mx::exp(op.mul(log_of_rate, turns), op.s));
}

mx::array InversePower(const Elapsed& e, const Ends& ends, const mx::array& shape, const Ops& op) {
  auto l = op.mul(shape, mx::log1p(op.div(e.n, e.length), op.s));
  return op.mul(ends.from, mx::exp(op.mul(l, op.constant(-1)), op.s));
}

#define MLXS_EASE_FUNCTION(type, name) type,
constexpr decltype(&Hold) kFunctions[kEases] = {MLXS_EASES(MLXS_EASE_FUNCTION)};

// ---- Columns

// A rate r is held as r - 1 with what that lacks, or as -2^126 r (-2^1022 r): see ease/exponential.h.
mx::array log_of_rate(const Column& c, const Ops& op) {
  auto high = op.as_real(c.of(kShape)), rest = c.rest(kShapeRest), one = op.constant(1);
  auto raised = mx::less_equal(high, op.constant(-2), op.s), apart = mx::less(high, op.constant(-0.5), op.s);
  auto lowered = op.mul(op.add(high, rest), op.constant(-std::exp2(op.real == mx::float64 ? -1022 : -126)));
  auto small = op.select(raised, lowered, op.add(op.add(one, high), rest));
  auto near_one = op.select(apart, op.constant(0), op.add(high, rest));
  return op.select(apart, mx::log(op.select(apart, small, one), op.s), mx::log1p(near_one, op.s));
}

mx::array column_value(EaseCode ease, const Column& c, const Ops& op) {
  auto e = elapsed(c, op);
  Ends ends{op.as_real(c.of(kFrom)), op.as_real(c.of(kTo))};
  bool is_rate = ease == kExponential || ease == kStairs;
  auto shape = is_rate ? log_of_rate(c, op) : op.add(op.as_real(c.of(kShape)), c.rest(kShapeRest));
  auto nothing = op.mul(e.nearer, op.constant(0)); // NaN stays NaN
  e.nearer = op.select(e.ended, nothing, e.nearer);
  return op.select(e.ended, op.add(ends.to, nothing), kFunctions[ease](e, ends, shape, op));
}

mx::array begun(const Column& c, const Ops& op) {
  auto since = op.sub(op.difference(c.of(kStep), c.of(kBegin)), c.rest(kBeginRest));
  auto in_force = mx::greater_equal(since, op.constant(0), op.s);
  if (!is_integer(c.of(kBegin)) || c.of(kBegin).dtype().size() < 8) {
    return in_force;
  }
  auto never = mx::array(uint64_t(~0ull), mx::uint64);
  return op.both(in_force, mx::not_equal(op.natural(c.of(kBegin)), never, op.s));
}

// Steps that repeat, as those of the first time. Fractional ones, or a fractional period, to the real's rounding.
mx::array folded(const Column& c, const Ops& op) {
  auto s = op.s;
  auto step = c.of(kStep), begin = c.of(kBegin), period = c.of(kPeriod);
  auto in_force = begun(c, op);
  bool whole = is_integer(step) && is_integer(begin) && is_integer(period) && !c.has(kBeginRest) && !c.has(kPeriodRest);
  if (whole) {
    auto from = op.natural(begin), n = mx::subtract(mx::maximum(op.natural(step), from, s), from, s);
    auto again = mx::add(from, mx::remainder(n, mx::maximum(op.natural(period), mx::array(1, mx::uint64), s), s), s);
    return mx::where(in_force, again, op.natural(step), s);
  }
  auto from = op.add(op.as_real(begin), c.rest(kBeginRest)), each = op.add(op.as_real(period), c.rest(kPeriodRest));
  auto n = op.sub(op.as_real(step), from);
  auto turns = mx::stop_gradient(mx::floor(op.div(n, each), s), s);
  return op.select(in_force, op.sub(op.as_real(step), op.mul(turns, each)), op.as_real(step));
}

} // namespace

mx::array graph(const std::vector<mx::array>& inputs, const Columns& columns, mx::Stream s) {
  auto out = inputs[kFrom].dtype();
  Ops op{s, out == mx::float64 ? mx::float64 : mx::float32};
  auto operands = inputs;
  if (columns.repeat >= 0) {
    operands[kStep] = folded(column_of(inputs, columns, columns.repeat, op), op);
  }
  auto first = column_of(operands, columns, 0, op);
  auto value = column_value(columns.eases[0], first, op);
  for (size_t k = 1; k < columns.eases.size(); k++) {
    auto column = column_of(operands, columns, k, op);
    value = op.select(begun(column, op), column_value(columns.eases[k], column, op), value);
  }
  return mx::astype(value, out, s);
}

} // namespace mlx_schedules
