// Schedules of any columns, for NVRTC: the body of a kernel calls `dense` or `strided`. `known` has a bit for each ease
// of the schedule, so that no other is compiled.

namespace mlx_schedules {

#include "prelude/cuda.h"
//
#include "column.h"
//
#include "operands.h"
//
#include "cuda_arguments.h"
#include "cuda_steps.h"
#include "cursor.h"

template <typename O, int present> // a bit for each operand
struct Operands {
  const int* about;
  const void* data[kOperands];
  int64_t at[kOperands], apart[kOperands];
  int columns, repeat;

  static constexpr MLXS_FN bool has(int k) { return (present >> k & 1) != 0; }

  template <typename X>
  MLXS_FN X read(int k, int column) const {
    return static_cast<const X*>(data[k])[at[k] + column * apart[k]];
  }
};

template <typename O, int present>
MLXS_FN int ease_of(const Operands<O, present>& o, int column) {
  return o.about[kEaseCodes + column];
}

template <typename O, int present>
MLXS_FN float value_of(const Operands<O, present>& o, int k, int column) {
  return float(o.template read<O>(k, column));
}

template <typename O, int present>
MLXS_FN float real_of(const Operands<O, present>& o, int k, int column) {
  return o.has(k) ? o.template read<float>(k, column) : 0.0f;
}

template <typename O, int present>
MLXS_FN Time<float> time_of(const Operands<O, present>& o, int k, int rest, int column) {
  if (!o.has(k)) {
    return integer_time<float>(0);
  }
  uint64_t whole = 0; // what is negative has ended
  switch (o.about[kTypes + k]) {
    case kFloat32:
      return with_rest(real_time(o.template read<float>(k, column)), real_of(o, rest, column));
    case kInt32:
      whole = max(o.template read<int32_t>(k, column), 0);
      break;
    case kInt64:
      whole = max(o.template read<int64_t>(k, column), int64_t(0));
      break;
    case kUint32:
      whole = o.template read<uint32_t>(k, column);
      break;
    default:
      whole = o.template read<uint64_t>(k, column);
  }
  return with_rest(integer_time<float>(whole), real_of(o, rest, column));
}

// From one place on; the strides' entry behind the axes' leads from one column to the next. What is left out has none.
template <typename O, int present, typename Strides>
MLXS_FN auto operands(const int* about, const void* const* data, const Strides* const* strides, int axes) {
  Operands<O, present> o;
  o.about = about;
  o.columns = about[kColumns];
  o.repeat = o.has(kPeriod) ? about[kRepeat] : -1;
#pragma unroll
  for (int k = 0; k < kOperands; k++) {
    o.data[k] = data[k];
    o.at[k] = 0;
    o.apart[k] = o.has(k) ? (*strides[k])[axes] : 0;
  }
  return o;
}

template <typename S>
MLXS_FN auto position_of(S step) {
  if constexpr (is_integer<S>) {
    return position(step);
  } else {
    return position(float(step));
  }
}

// ---------------------------------------------------------------------------------------------------------------
// One value of each hyperparameter for each of at most kTable columns, none of which repeats; contiguous steps from a
// four's boundary on. A warp stays in a column, with its numbers in registers, while its steps do: 0.94 of a copy's
// speed where they are in order, 0.52 where they are in none, and 0.18 where each thread went on by itself.

// 32 bits where those hold every step, begin, lead and length. A lead beyond the begin could take a step out of them.
template <typename S>
MLXS_FN Span span_of(const Cursor& c) {
  bool wide = (c.start.begin | c.start.less | c.start.lead) >> 32 != 0 || c.start.more != 0;
  if (!is_integer<S> || sizeof(S) == 8 || wide) {
    return Span::Wide64;
  }
  Span span = integer_span(c.segment.clock.length);
  bool fractional = c.start.fraction != 0.0f || c.start.lead_fraction != 0.0f;
  return span == Span::Narrow && fractional ? Span::Wide32 : span;
}

struct Table {
  Cursor of[kTable];
  uint32_t begins[kTable], leads[kTable]; // where 32 bits hold them
  int columns;
};

// One column of it, as steps of a dtype meet it.
template <Span span, typename S, bool narrow = span != Span::Wide64>
struct Column {
  Cursor c;

  MLXS_FN Column(const Table& table, int k) : c(table.of[k]) {}

  static MLXS_FN bool begun(S s, const Table& table, int k) { return reached(position_of(s), table.of[k].begin); }

  MLXS_FN bool has(S s) const { return stays(position_of(s), c); }

  template <typename E>
  MLXS_FN float value(S s) const {
    if constexpr (is_integer<S>) {
      return column_value<E, span>(clipped<uint64_t>(s), c.start, c.segment);
    } else {
      return real_column_value<E>(position_of(s).step, c.start, c.segment);
    }
  }
};

// One subtraction tells whether a step is in it and how far.
template <Span span, typename S>
struct Column<span, S, true> {
  uint32_t begin, lead, longest;
  float fraction;
  Segment<float> segment;

  MLXS_FN Column(const Table& table, int k)
      : begin(table.begins[k]),
        lead(table.leads[k]),
        longest((table.of[k].last ? ~0u : table.begins[k + 1] - 1) - begin),
        fraction(table.of[k].start.fraction),
        segment(table.of[k].segment) {}

  static MLXS_FN bool begun(S s, const Table& table, int k) { return clipped<uint32_t>(s) >= table.begins[k]; }

  MLXS_FN bool has(S s) const { return clipped<uint32_t>(s) - begin <= longest; }

  template <typename E>
  MLXS_FN float value(S s) const {
    return value_on<E, span>(clipped<uint32_t>(s) - begin + lead, fraction, segment);
  }
};

// Runs on while all fours of a warp's are in the column, so that its threads never part.
template <typename E, Span span, typename S, typename O>
MLXS_FN int64_t stay(const Four<S>* from, Four<O>* to, Run r, const Column<span, S>& column) {
  int64_t end = r.end - 31 + threadIdx.x % 32; // of the turns that a whole warp has
  for (; r.i < end; r.i += blockDim.x) {
    Four<S> s = from[r.i];
    bool inside = true;
#pragma unroll
    for (int j = 0; j < 4; j++) {
      inside = inside && column.has(s.x[j]);
    }
    if (!__all_sync(~0u, inside)) {
      break;
    }
    Four<O> y;
#pragma unroll
    for (int j = 0; j < 4; j++) {
      y.x[j] = O(column.template value<E>(s.x[j]));
    }
    to[r.i] = y;
  }
  return r.i;
}

#define MLXS_IF_KNOWN(type, call) \
  case k##type:                   \
    if constexpr (known >> k##type & 1) return call;

template <int known, Span span, typename S, typename O>
MLXS_FN int64_t stay_any(const Four<S>* from, Four<O>* to, Run r, const Table& table, int k) {
  const Column<span, S> column(table, k);
  switch (table.of[k].ease) {
#define MLXS_STAY(type, name) MLXS_IF_KNOWN(type, stay<type>(from, to, r, column))
    MLXS_EASES(MLXS_STAY)
  }
  return r.i;
}

template <int known, Span span, typename S>
MLXS_FN float value_at(S s, const Table& table, int k) {
  const Column<span, S> column(table, k);
  switch (table.of[k].ease) {
#define MLXS_VALUE(type, name) MLXS_IF_KNOWN(type, column.template value<type>(s))
    MLXS_EASES(MLXS_VALUE)
  }
  return 0.0f;
}

template <Span span, typename S>
MLXS_FN int column_in(S s, const Table& table) {
  int column = 0;
  for (int k = 1; k < table.columns; k++) {
    column = Column<span, S>::begun(s, table, k) ? k : column;
  }
  return column;
}

template <int known, Span span, typename S, typename O>
MLXS_FN void run(const S* step, O* out, int64_t n, const Table& table) {
  auto* from = reinterpret_cast<const Four<S>*>(step);
  auto* to = reinterpret_cast<Four<O>*>(out);
  int64_t lane = threadIdx.x % 32;
  for (Run r = run_of(n / 4); r.i - lane < r.end; r.i += blockDim.x) { // a warp's threads together
    Four<S> s = {};
    if (r.i < r.end) {
      s = from[r.i];
    }
    int first = column_in<span>(S(__shfl_sync(~0u, s.x[0], 0)), table);
    int64_t next = stay_any<known, span>(from, to, r, table, first);
    if (next != r.i) {
      r.i = next - blockDim.x;
    } else if (r.i < r.end) { // on a boundary, or in no order
      Four<O> y;
#pragma unroll 1
      for (int j = 0; j < 4; j++) {
        y.x[j] = O(value_at<known, span>(s.x[j], table, column_in<span>(s.x[j], table)));
      }
      to[r.i] = y;
    }
  }
}

template <int known, int present, typename S, typename O, typename Strides>
MLXS_FN void dense(
    const S* step, O* out, const int* about, const void* const* data, const Strides* const* strides, int64_t n) {
  __shared__ Table table;
  auto o = operands<O, present>(about, data, strides, 1);
  Span mine = Span::Narrow;
  if (int k = threadIdx.x; k < o.columns) {
    Cursor c = enter<known>(k, o);
    table.of[k] = c;
    table.begins[k] = uint32_t(c.start.begin);
    table.leads[k] = uint32_t(table.begins[k] - c.start.less);
    table.columns = o.columns;
    mine = k == 0 && c.start.begin != 0 ? Span::Wide64 : span_of<S>(c); // a first column that is still to begin
  }
  bool wide64 = __syncthreads_or(mine == Span::Wide64), wide32 = __syncthreads_or(mine == Span::Wide32);
  Span span = wide64 ? Span::Wide64 : (wide32 ? Span::Wide32 : Span::Narrow);
  by_span(span, [&](auto at) { run<known, at.span>(step, out, n, table); });
  __syncthreads(); // as in cosine_decay.cu
  if (int64_t last = n / 4 * 4 + threadIdx.x; blockIdx.x == 0 && last < n) {
    S x = step[last];
    out[last] = O(value_at<known, Span::Wide64>(x, table, column_in<Span::Wide64>(x, table)));
  }
}

// ---------------------------------------------------------------------------------------------------------------
// Any strides and columns. I: the type that counts elements.

template <int known, typename P, typename Operands>
MLXS_FN float move(Cursor& c, P p, const Operands& o) {
  p = repeated(p, o);
  if (!stays(p, c)) {
    c = enter<known>(column_of(p, o), o);
  }
  return value_any<known>(p, c);
}

template <int known, int present, typename I, typename S, typename O, typename Shape, typename Strides>
MLXS_FN void strided(const S* step,
                     O* out,
                     const int* about,
                     const void* const* data,
                     const Strides* const* strides,
                     int ndim, // the columns' among them
                     const Shape& shape) {
  auto o = operands<O, present>(about, data, strides, ndim - 1);
  bool real_fold = about[kRealFold] != 0, same = true;
#pragma unroll
  for (int k = kStep + 1; k < kOperands; k++) {
    same = same && (!o.has(k) || (*strides[k])[0] == 0);
  }
  Walk<I> w = walk_of<I>(ndim - 1, shape, same);
  for (I first = w.first; first < w.end; first += w.stride) {
    int64_t at[kOperands] = {};
    places<kOperands, present>(first, ndim - 1, shape, strides, at);
#pragma unroll
    for (int k = 0; k < kOperands; k++) {
      o.at[k] = at[k];
    }
    const S* s = step + at[kStep];
    int64_t apart = int64_t(w.stride / w.entry) * (*strides[kStep])[0];
    I last = w.fixed ? w.n : first + 1;
    Cursor c;
    c.column = -1;
    for (I i = first; i < last; i += w.stride, s += apart) {
      out[i] = O(real_fold ? move<known>(c, as_real(position_of(*s)), o) : move<known>(c, position_of(*s), o));
    }
  }
}

} // namespace mlx_schedules
