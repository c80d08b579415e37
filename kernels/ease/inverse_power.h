// InversePower: from (1 + s/T)^-p, on and on, for any p > 0; p = 1/2 is the inverse square root.
//
// Method. exp(-p log(1 + n/T)); the logarithm loses nothing where n/T is small.

struct InversePower { // shape: p
  enum { counts = int(Count::Begin) };

  template <typename R>
  static MLXS_FN Pair<R> rate(Pair<R> per_step, Pair<R>, R, R) {
    return per_step;
  }

  template <typename R, typename N>
  static MLXS_FN Factor<R> weight(Elapsed<N> e, Pair<R> rate, Pair<R> shape) {
    Pair<R> l = log(reduced_after_one(product(e.n, rate)));
    Exp<R> x = exp(product(negated(shape), l));
    return {x.change, x.exponent, true};
  }
};
