// What cosine_decay.h needs to give float64 results as well. Hosts only: neither Metal nor float32 results know double.
// Degree of the whole in v: 9. Error before rounding 2^-64.5 of the weight.

template <>
struct Precision<double> {
  static MLXS_FN double above_half() { return 0.50000000000000011; }
  static MLXS_FN Pair<double> half_pi_squared() { return {2.4674011002723395, 1.5663238771849278e-16}; }
  static MLXS_FN double center() { return 0.31250148732215166; }
  static MLXS_FN double c2() { return -0.6395002714760648; }
  static MLXS_FN double tail(double x) {
    double p = fused(3.976732886427418e-11, x, -3.0439287659287696e-09);
    p = fused(p, x, 1.8214689629082814e-07);
    p = fused(p, x, -8.262012069791906e-06);
    p = fused(p, x, 0.0002716796338562058);
    p = fused(p, x, -0.00608960838590434);
    return fused(p, x, 0.08500225383181322);
  }
  static MLXS_FN Pair<double> split(uint64_t n) { // n < 2^63; exact
    return fast_two_sum(mul(double(int64_t(n >> 32)), 4294967296.0), double(int64_t(n & 0xffffffffu)));
  }
};
