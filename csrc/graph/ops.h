// MLX's ops on one stream, in the type that is computed in, and the operands of one column.
#pragma once

#include <optional>
#include <vector>

#include "op.h"

namespace mlx_schedules {

inline bool is_integer(const mx::array& a) {
  return !mx::issubdtype(a.dtype(), mx::floating);
}

struct Ops {
  mx::Stream s;
  mx::Dtype real;

  bool twice() const { return real == mx::float64; } // of 53 bits, not 24
  mx::array constant(double x) const { return mx::array(x, real); }
  mx::array as_real(const mx::array& a) const { return mx::astype(a, real, s); }
  mx::array add(const mx::array& a, const mx::array& b) const { return mx::add(a, b, s); }
  mx::array sub(const mx::array& a, const mx::array& b) const { return mx::subtract(a, b, s); }
  mx::array mul(const mx::array& a, const mx::array& b) const { return mx::multiply(a, b, s); }
  mx::array mul(const mx::array& a, double b) const { return mx::multiply(a, constant(b), s); }
  mx::array div(const mx::array& a, const mx::array& b) const { return mx::divide(a, b, s); }
  mx::array floor(const mx::array& a) const { return mx::floor(a, s); }
  mx::array negative(const mx::array& a) const { return mx::negative(a, s); }
  mx::array both(const mx::array& a, const mx::array& b) const { return mx::logical_and(a, b, s); }
  mx::array below(const mx::array& a, double b) const { return mx::less(a, constant(b), s); }
  mx::array stop(const mx::array& a) const { return mx::stop_gradient(a, s); }

  // A condition has no derivative, and those MLX makes up for it keep the traced shape in shapeless compilation;
  // likewise what its maximum and minimum give a second time.
  mx::array select(const mx::array& condition, const mx::array& a, const mx::array& b) const {
    return mx::where(stop(condition), a, b, s);
  }
  mx::array positive(const mx::array& a) const { // NaN passes
    return select(below(a, 0), constant(0), a);
  }
  mx::array at_most(const mx::array& a, double most) const { // likewise
    return select(mx::greater(a, constant(most), s), constant(most), a);
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

struct Column { // operands that are left out are 0
  std::vector<std::optional<mx::array>> operands;
  const Ops& op;
  bool folded = false;
  mx::array step_rest = mx::array(0, mx::uint32); // of a step that was folded: its fraction, or what a real lacks

  mx::array of(Operand k) const {
    auto a = operands[k] ? *operands[k] : mx::array(0, mx::uint32);
    return k == kBegin && !is_integer(a) ? op.positive(op.as_real(a)) : a; // what is negative has begun
  }
  bool has(Operand k) const { return operands[k].has_value(); }
  bool is_fraction(Operand rest) const { return has(rest) && of(rest).dtype() == mx::uint64; } // in 2^-64
  mx::array rest(Operand k) const {
    auto a = op.as_real(of(k));
    return is_fraction(k) ? op.mul(a, 0x1p-64) : a;
  }
};

} // namespace mlx_schedules
