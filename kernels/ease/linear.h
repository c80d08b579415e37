// Linear: the weight s/T.
//
// Method. n/T with n the distance to the nearer end and 1/T as a pair.

struct Linear {
  enum { counts = int(Count::Nearer) };

  template <typename R>
  static MLXS_FN Pair<R> rate(Pair<R> per_step, Pair<R>, R, R) { // 2/T, so that twice the weight = rate (scale n)
    return times(per_step, R(2));
  }

  template <typename R, typename N>
  static MLXS_FN Weight<R> weight(Elapsed<N> e, Pair<R> rate, Pair<R>) {
    return {product(e.n, rate), R(1), e.first};
  }
};
