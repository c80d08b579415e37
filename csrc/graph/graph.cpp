// A schedule from MLX's own ops: what is exported and differentiated.

#include <cmath>

#include "axes.h"
#include "eases.h"

namespace mlx_schedules {

namespace {

// One column of an input that has several, as a sum of it and zeros, which is exact: a Slice cannot tell its shape in
// shapeless compilation, and a Gather keeps the traced one.
mx::array cut(const mx::array& a, int index, mx::Stream s) {
  if (a.shape(0) == 1) {
    return mx::squeeze(a, 0, s);
  }
  mx::Shape shape(a.ndim(), 1);
  shape[0] = a.shape(0);
  std::vector<bool> chosen(a.shape(0));
  chosen[index] = true;
  auto condition = mx::array(chosen.begin(), shape, mx::bool_);
  return mx::sum(mx::where(condition, a, mx::array(0, a.dtype()), s), 0, false, s);
}

Column column_of(const std::vector<mx::array>& inputs, const Columns& columns, int index, const Ops& op) {
  Column column{std::vector<std::optional<mx::array>>(kOperands), op};
  for (size_t i = 0; i < inputs.size(); i++) {
    auto& a = inputs[i];
    column.operands[columns.operands[i]] = has_columns(columns, i, a.ndim()) ? cut(a, index, op.s) : a;
  }
  return column;
}

// A rate r is held as r - 1 with what that lacks, or as -2^126 r (-2^1022 r): see ease/exponential.h.
mx::array log_of_rate(const Column& c, const Ops& op) {
  auto high = op.as_real(c.of(kParameter)), rest = c.rest(kParameterRest), one = op.constant(1);
  auto raised = mx::less_equal(high, op.constant(-2), op.s), apart = mx::less(high, op.constant(-0.5), op.s);
  auto lowered = op.mul(op.add(high, rest), op.constant(-std::exp2(op.twice() ? -1022 : -126)));
  auto small = op.select(raised, lowered, op.add(op.add(one, high), rest));
  auto near_one = op.select(apart, op.constant(0), op.add(high, rest));
  return op.select(apart, mx::log(op.select(apart, small, one), op.s), mx::log1p(near_one, op.s));
}

mx::array column_value(EaseCode ease, const Column& c, const Ops& op) {
  auto e = elapsed(c, op);
  Ends ends{op.as_real(c.of(kInit)), op.as_real(c.of(kEnd))};
  bool is_rate = ease == kExponential || ease == kStairs;
  auto parameter = is_rate ? log_of_rate(c, op) : op.add(op.as_real(c.of(kParameter)), c.rest(kParameterRest));
  auto nothing = op.mul(e.nearer, op.constant(0)); // NaN stays NaN
  e.nearer = op.select(e.ended, nothing, e.nearer);
  return op.select(e.ended, op.add(ends.end, nothing), ease_value(ease, e, ends, parameter, op));
}

mx::array exact_column_value(EaseCode ease, const Column& c, const Ops& op) {
  auto e = exactly_elapsed(c, op);
  Ends ends{op.as_real(c.of(kInit)), op.as_real(c.of(kEnd))};
  Pair parameter{op.as_real(c.of(kParameter)), c.rest(kParameterRest)};
  auto nothing = op.mul(e.nearer.hi, 0);
  return op.select(e.ended, op.add(ends.end, nothing), exact_value(ease, e, ends, parameter, op));
}

// The exact value with the other's derivatives.
mx::array exact_column(EaseCode ease, Column c, const Ops& op) {
  auto rounded = column_value(ease, c, op);
  auto finite = mx::equal(op.sub(rounded, rounded), op.constant(0), op.s);
  rounded = op.select(finite, rounded, op.constant(0));
  for (auto& operand : c.operands) {
    if (operand) {
      operand = op.stop(*operand);
    }
  }
  c.step_rest = op.stop(c.step_rest);
  return op.add(op.stop(exact_column_value(ease, c, op)), op.sub(rounded, op.stop(rounded)));
}

} // namespace

mx::array graph(const std::vector<mx::array>& inputs, const Columns& columns, mx::Stream s) {
  auto out = inputs[kInit].dtype();
  Ops op{s, out == mx::float64 ? mx::float64 : mx::float32};
  std::vector<Column> list;
  for (size_t k = 0; k < columns.eases.size(); k++) {
    list.push_back(column_of(inputs, columns, k, op));
  }
  if (columns.repeat >= 0) {
    fold(list[columns.repeat], op);
    for (auto& c : list) {
      c.operands[kStep] = list[columns.repeat].of(kStep);
      c.step_rest = list[columns.repeat].step_rest;
      c.folded = list[columns.repeat].folded;
    }
  }
  std::vector<mx::array> in_force;
  for (auto& c : list) {
    in_force.push_back(begun(c, op));
  }
  std::optional<mx::array> value;
  for (size_t k = 0; k < list.size(); k++) {
    auto& c = list[k];
    if (k + 1 < list.size()) { // of a column that is over, its first step: what grows would be infinite, its slope NaN
      c.operands[kStep] = op.select(in_force[k + 1], mx::array(0, c.of(kStep).dtype()), c.of(kStep));
      c.step_rest = op.select(in_force[k + 1], mx::array(0, c.step_rest.dtype()), c.step_rest);
    }
    bool exact = exporting() && has_exact_value(columns.eases[k]);
    auto own = exact ? exact_column(columns.eases[k], c, op) : column_value(columns.eases[k], c, op);
    value = value ? op.select(in_force[k], own, *value) : own;
  }
  return mx::astype(*value, out, s);
}

} // namespace mlx_schedules
