// Faults in the kernels: see ../faults.py.

// ---- init and end swapped
template <typename E, typename R>
MLXS_FN Segment<R> prepare(Time<R> time, R from, R to, Pair<R> shape = Pair<R>{R(0), R(0)}) {
  return right_prepare<E>(time, to, from, shape);
}

// ---- bindings swapped
enum { kInit = 3, kEnd = 1 };

// ---- one step too many
template <Span way, typename S, typename Out, typename Index>
inline void run_apart(
    const device S* step, long apart, device Out* out, Index i, Index n, Index stride, Segment<float> d) {
  right_run_apart<way, S, Out>(step, apart, out, i, n + 1, stride, d);
}

// ---- a thread's first step alone
template <Span way, typename S, typename Out, typename Index>
inline void run_apart(
    const device S* step, long apart, device Out* out, Index i, Index n, Index stride, Segment<float> d) {
  right_run_apart<way, S, Out>(step, apart, out, i, i + 1, stride, d);
}

// ---- a thread's first step again
template <Span way, typename S, typename Out, typename Index>
inline void run_apart(
    const device S* step, long apart, device Out* out, Index i, Index n, Index stride, Segment<float> d) {
  right_run_apart<way, S, Out>(step, 0, out, i, n, stride, d);
}

// ---- last steps forgotten
template <Span way, typename S, typename Out>
inline void run_rest(const device S* step, device Out* out, uint i, uint n, uint stride, Segment<float> d) {}

// ---- one vector too many
template <Span way, typename S, typename Out>
inline void run_vectors(
    const device vec<S, kVector>* step, device vec<Out, kVector>* out, uint i, uint n, uint stride, Segment<float> d) {
  right_run_vectors<way, S, Out>(step, out, i, n + 1, stride, d);
}

// ---- threads do not stride
template <Span way, typename S, typename Out>
inline void run_vectors(
    const device vec<S, kVector>* step, device vec<Out, kVector>* out, uint i, uint n, uint stride, Segment<float> d) {
  right_run_vectors<way, S, Out>(step, out, i, n, n, d);
}

// ---- one step for a vector
template <Span way, typename Out, typename S>
inline vec<Out, kVector> values(vec<S, kVector> step, Segment<float> d) {
  return right_values<way, Out, S>(vec<S, kVector>(step[0]), d);
}

// ---- strides of another order
template <typename Index, typename Offset, int operands>
inline Places<Offset, operands> places(
    Index i, int axes, constant int* shape, constant long* strides, constant ulong* inverses) {
  Places<Offset, operands> right = right_places<Index, Offset, operands>(i, axes, shape, strides, inverses), p;
  for (int k = 0; k < operands; k++) {
    p.at[k] = right.at[(k + 1) % operands];
  }
  return p;
}

// ---- remainder forgotten
template <typename Index, typename Offset, int operands>
inline Places<Offset, operands> places(
    Index i, int axes, constant int* shape, constant long* strides, constant ulong* inverses) {
  Places<Offset, operands> p = {{0}};
  for (int axis = axes - 1; axis >= 0; axis--) {
    for (int k = 0; k < operands; k++) {
      p.at[k] += Offset(i) * Offset(strides[k * axes + axis]);
    }
    i = axis > 0 ? i / Index(shape[axis]) : 0;
  }
  return p;
}

// ---- 32-bit overflow of index and offset
template <typename Index, typename Offset, int operands>
inline Places<Offset, operands> places(
    Index i, int axes, constant int* shape, constant long* strides, constant ulong* inverses) {
  Places<int, operands> narrow = right_places<uint, int, operands>(uint(i), axes, shape, strides, inverses);
  Places<Offset, operands> p;
  for (int k = 0; k < operands; k++) {
    p.at[k] = narrow.at[k];
  }
  return p;
}

// ---- 32-bit overflow of the offset
template <typename Index, typename Offset, int operands>
inline Places<Offset, operands> places(
    Index i, int axes, constant int* shape, constant long* strides, constant ulong* inverses) {
  Places<int, operands> narrow = right_places<Index, int, operands>(i, axes, shape, strides, inverses);
  Places<Offset, operands> p;
  for (int k = 0; k < operands; k++) {
    p.at[k] = narrow.at[k];
  }
  return p;
}

// ---- 32-bit overflow of the index
template <typename Index, typename Offset, int operands>
inline Places<Offset, operands> places(
    Index i, int axes, constant int* shape, constant long* strides, constant ulong* inverses) {
  return right_places<uint, Offset, operands>(uint(i), axes, shape, strides, inverses);
}

// ---- unsigned offsets
template <typename Bytes>
inline Time<float> time_at(Bytes time, int type, long i) {
  return right_time_at(time, type, uint(i));
}

// ---- negative times
template <typename Bytes>
inline Time<float> time_at(Bytes time, int type, long i) {
  return type == kInt32 ? integer_time<float>(ulong(read<int>(time, i))) : right_time_at(time, type, i);
}

// ---- signed times
template <typename Bytes>
inline Time<float> time_at(Bytes time, int type, long i) {
  return type == kUint32 ? integer_time<float>(ulong(read<int>(time, i))) : right_time_at(time, type, i);
}

// ---- a product contracted into an addition
template <typename R>
MLXS_FN Pair<R> square(R n) {
  Pair<R> q = right_square(n);
  return {q.hi, q.lo + fused(n + n, mul(n, R(0.5)), -q.hi)};
}

// ---- fused multiply-add rounded twice
MLXS_FN float fused(float a, float b, float c) {
  return a * b + c;
}

// ---- wide steps cut
template <typename U, typename S>
MLXS_FN U clipped(S step) {
  return step < S(0) ? U(0) : U(step);
}

// ---- negative steps
template <typename U, typename S>
MLXS_FN U clipped(S step) {
  return step < S(0) ? U(step) : right_clipped<U>(step);
}

// ---- a quotient not corrected
template <typename U>
MLXS_FN U quotient(U n, uint64_t whole, uint64_t inverse) {
  return high_product(n, U(inverse >> (64 - 8 * sizeof(U))));
}

// ---- fractions of T ignored
template <typename R>
MLXS_FN Span integer_span(Time<R> t) {
  t.steps.fraction = 0;
  return right_integer_span(t);
}

// ---- narrow too far
template <typename R>
MLXS_FN Span integer_span(Time<R> t) {
  return t.steps.whole <= (1u << 31) && t.steps.fraction == 0 ? Span::Narrow : right_integer_span(t);
}

// ---- T in 32 bits
template <typename R>
MLXS_FN Span integer_span(Time<R> t) {
  Span span = right_integer_span(t);
  return span == Span::Wide64 ? Span::Wide32 : span;
}

// ---- a column at its boundary
MLXS_FN bool reached(Exact<float> p, Time<float> begin) {
  return before(begin.steps, p.steps) && begin.steps.whole != ~ulong(0);
}

// ---- 32-bit begins
MLXS_FN bool reached(Exact<float> p, Time<float> begin) {
  begin.steps.whole = uint(begin.steps.whole);
  return right_reached(p, begin);
}

// ---- a column that never begins does
MLXS_FN bool reached(Exact<float> p, Time<float> begin) {
  return !before(p.steps, begin.steps);
}

// ---- begin off by one
template <typename R>
MLXS_FN Start<R> start(Time<R> begin, Time<R> lead) {
  Start<R> s = right_start(begin, lead);
  s.less += 1;
  return s;
}

// ---- lead ignored
template <typename R>
MLXS_FN Start<R> start(Time<R> begin, Time<R> lead) {
  return right_start(begin, integer_time<R>(0));
}

// ---- repeat off by one step
MLXS_FN uint64_t folded(uint64_t step, uint64_t begin, uint64_t period) {
  return right_folded(step, begin, period + 1);
}

// ---- repeats from the first column on
MLXS_FN uint64_t folded(uint64_t step, uint64_t begin, uint64_t period) {
  return right_folded(step, uint64_t(0), period);
}

// ---- eases swapped
template <int known>
MLXS_FN Segment<float> prepare_any(int ease, Time<float> length, float from, float to, Pair<float> shape) {
  return right_prepare_any<known>(
      ease == kLinear ? kCosine : (ease == kCosine ? kLinear : ease), length, from, to, shape);
}

// ---- a column kept too long
template <typename P>
MLXS_FN bool stays(P p, Cursor c) {
  return c.column >= 0;
}

// ---- columns in reverse
template <typename Out>
inline long place(Operands<Out> o, int k, int column) {
  return o.at[k] + (o.columns - 1 - column) * o.extent->apart[k];
}

// ---- one column's numbers for all
template <typename Out>
inline long place(Operands<Out> o, int k, int column) {
  return o.at[k];
}

// ---- rests ignored
template <typename Out>
inline float real_of(Operands<Out> o, int k, int column) {
  return k == kParameter ? right_real_of(o, k, column) : 0.0f;
}

// ---- fractional begins rounded
MLXS_FN bool begun(Steps step, Steps begin) {
  return step.whole >= begin.whole && begin.whole != ~ulong(0);
}

// ---- fractions ignored
template <typename R>
MLXS_FN Time<R> with_fraction(Time<R> t, uint64_t fraction) {
  return t;
}

// ---- a fraction's carry lost
MLXS_FN Steps less(Steps a, Steps b) {
  return {a.whole - b.whole, a.fraction - b.fraction};
}

// ---- a fractional period rounded
template <typename R>
MLXS_FN Steps folded(Steps n, Steps begin, Steps period) {
  return right_folded<R>(n, begin, Steps{period.whole, 0});
}
