// Faults in the kernels; see ../faults.py.

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
    Index i, int present, int axes, constant int* shape, constant long* strides, constant ulong* inverses) {
  Places<Offset, operands> right = right_places<Index, Offset, operands>(i, present, axes, shape, strides, inverses), p;
  for (int k = 0; k < operands; k++) {
    p.at[k] = right.at[(k + 1) % operands];
  }
  return p;
}

// ---- remainder forgotten
template <typename Index, typename Offset, int operands>
inline Places<Offset, operands> places(
    Index i, int present, int axes, constant int* shape, constant long* strides, constant ulong* inverses) {
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
    Index i, int present, int axes, constant int* shape, constant long* strides, constant ulong* inverses) {
  Places<int, operands> narrow = right_places<uint, int, operands>(uint(i), present, axes, shape, strides, inverses);
  Places<Offset, operands> p;
  for (int k = 0; k < operands; k++) {
    p.at[k] = narrow.at[k];
  }
  return p;
}

// ---- 32-bit overflow of the offset
template <typename Index, typename Offset, int operands>
inline Places<Offset, operands> places(
    Index i, int present, int axes, constant int* shape, constant long* strides, constant ulong* inverses) {
  Places<int, operands> narrow = right_places<Index, int, operands>(i, present, axes, shape, strides, inverses);
  Places<Offset, operands> p;
  for (int k = 0; k < operands; k++) {
    p.at[k] = narrow.at[k];
  }
  return p;
}

// ---- 32-bit overflow of the index
template <typename Index, typename Offset, int operands>
inline Places<Offset, operands> places(
    Index i, int present, int axes, constant int* shape, constant long* strides, constant ulong* inverses) {
  return right_places<uint, Offset, operands>(uint(i), present, axes, shape, strides, inverses);
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

// ---- columns: a column at its boundary
MLXS_FN bool reached(Exact<float> p, Time<float> begin) {
  return before(begin.steps, p.steps) && begin.steps.whole != ~ulong(0);
}

// ---- columns: begins clipped to 32 bits
MLXS_FN bool reached(Exact<float> p, Time<float> begin) {
  begin.steps.whole = min(begin.steps.whole, ulong(~0u));
  return right_reached(p, begin);
}

// ---- columns: a column that never begins does
MLXS_FN bool reached(Exact<float> p, Time<float> begin) {
  return !before(p.steps, begin.steps);
}

// ---- columns: begin off by one
template <typename R>
MLXS_FN Start<R> start(Time<R> begin, Time<R> lead) {
  Start<R> s = right_start(begin, lead);
  s.less += 1;
  return s;
}

// ---- columns: lead ignored
template <typename R>
MLXS_FN Start<R> start(Time<R> begin, Time<R> lead) {
  return right_start(begin, integer_time<R>(0));
}

// ---- columns: repeat off by one step
template <typename O>
MLXS_FN Fold fold(O o) {
  Fold f = right_fold(o);
  f.period.steps.whole += 1;
  f.inverse = ~uint64_t(0) / f.period.steps.whole;
  return f;
}

// ---- columns: repeats from the first column on
template <typename O>
MLXS_FN Fold fold(O o) {
  Fold f = right_fold(o);
  f.begin = integer_time<float>(0);
  return f;
}

// ---- columns: a period's inverse to 24 bits
template <typename O>
MLXS_FN Fold fold(O o) {
  Fold f = right_fold(o);
  f.inverse -= f.inverse >> 24;
  return f;
}

// ---- columns: eases swapped
MLXS_FN Segment<float> prepare_any(
    int known, int ease, Time<float> length, float init, float end, Pair<float> parameter) {
  return right_prepare_any(
      known, ease == kLinear ? kCosine : (ease == kCosine ? kLinear : ease), length, init, end, parameter);
}

// ---- columns: a column kept too long
template <typename U>
inline bool within(Counted<U> p, Bounds<U> b) {
  return true;
}

// ---- columns: a real column kept too long
template <typename P>
inline bool within(P p, Cursor c) {
  return c.column >= 0;
}

// ---- columns: a column left too late
template <typename U>
inline Bounds<U> bounds(Cursor c, Counted<U>) {
  Bounds<U> b = right_bounds(c, Counted<U>{});
  b.more += b.more < U(-1) ? 1 : 0;
  return b;
}

// ---- columns: numbers beyond 32 bits taken for small ones
template <typename E, typename U>
inline bool fits(Cursor c, Counted<U>) {
  return true;
}

// ---- columns: fractions taken for none
inline bool fractional(Known known, int k, int rest) {
  return false;
}

// ---- columns: exact fractions taken as reals
constexpr bool has_exact_fraction(int operands, int types, int k, int rest) {
  return false;
}

// ---- columns: rows of the grid ignored
template <typename Index>
inline Index index_of(uint2 at) {
  return at.x;
}

// ---- columns: index formed in 32 bits
template <typename Index>
inline Index index_of(uint2 at) {
  return at.y * kRow + at.x;
}

// ---- columns: steps as far apart as threads
template <typename P, typename S, typename Out, typename Index>
inline bool go_on(thread Walk<P, S, Out, Index>& w, float value) {
  w.apart = w.stride;
  return right_go_on(w, value);
}

// ---- columns: begins from 2^32 on off by one
MLXS_FN bool reached(Exact<float> p, Time<float> begin) {
  begin.steps.whole += begin.steps.whole >> 32 != 0 && begin.steps.whole != ~ulong(0) ? 1 : 0;
  return right_reached(p, begin);
}

// ---- columns: columns in reverse
template <typename Out, typename Offset>
inline Offset place(Operands<Out, Offset> o, int k, int column) {
  return o.at[k] + (o.columns - 1 - column) * Offset(o.extent->apart[k]);
}

// ---- columns: one column's numbers for all
template <typename Out, typename Offset>
inline Offset place(Operands<Out, Offset> o, int k, int column) {
  return o.at[k];
}

// ---- columns: rests ignored
template <typename Out, typename Offset>
inline float real_of(Operands<Out, Offset> o, int k, int column) {
  return k == kParameter ? right_real_of(o, k, column) : 0.0f;
}

// ---- columns: fractional begins rounded
MLXS_FN bool begun(Steps step, Steps begin) {
  return step.whole >= begin.whole && begin.whole != ~ulong(0);
}

// ---- columns: fractions ignored
template <typename R>
MLXS_FN Time<R> with_fraction(Time<R> t, uint64_t fraction) {
  return t;
}

// ---- columns: a fraction's carry lost
MLXS_FN Steps less(Steps a, Steps b) {
  return {a.whole - b.whole, a.fraction - b.fraction};
}

// ---- columns: a fractional period rounded
template <typename R>
MLXS_FN Steps folded(Steps n, Steps begin, Steps period) {
  return right_folded<R>(n, begin, Steps{period.whole, 0});
}
