// Schedules of columns over contiguous steps, compiled by NVRTC. The body of a kernel calls `contiguous`. There are at
// most kTable columns, none of which repeats, with one value of each operand per column. The steps start at the
// boundary of a Four and, if they are reals, need not be taken exactly (takes_exact_steps). `known` has a bit for each
// ease of the schedule; no other ease is compiled.

namespace mlx_schedules {

#include "operands.h"

// Whether an ease ends at its length. One that doesn't needs steps that aren't clipped.
MLXS_FN bool ends(int ease) {
  switch (ease) {
#define MLXS_ENDS(type, ...) \
  case k##type:              \
    return type::counts == int(Count::Nearer);
    MLXS_EASES(MLXS_ENDS)
  }
  return true;
}

// 32 bits are enough if begin, lead and length are whole and fit, and so does every step up to which values change.
// With a lead beyond the begin (`start.more`), a step could leave the 32 bits.
template <typename S>
MLXS_FN Span span_of(const Cursor& c) {
  auto& length = c.segment.clock.length;
  bool fractional = (c.start.fraction | c.start.lead_fraction | length.steps.fraction) != 0;
  bool wide = (c.start.begin | c.start.less | c.start.lead) >> 32 != 0 || c.start.more != 0;
  // Whether steps may be clipped to 32 bits.
  bool clips = sizeof(S) < 8 || (ends(c.ease) && length.steps.whole <= ~0u - c.start.less);
  return !is_integer<S> || fractional || wide || !clips ? Span::Wide64 : integer_span(length);
}

struct alignas(16) Table {
  Cursor of[kTable];
  uint32_t begins[kTable], leads[kTable]; // valid if they fit in 32 bits; begins past the last column are ~0
  int columns;
};

// A column of the table, for steps of dtype S.
template <Span span, typename S, bool narrow = span != Span::Wide64>
struct Column {
  Cursor c;

  MLXS_FN Column(const Table& table, int k) : c(table.of[k]) {}

  MLXS_FN bool has(S s) const { return stays(position_of<false>(s), c); }

  template <typename E>
  MLXS_FN float value(S s) const {
    return column_value<E>(position_of<false>(s), c.start, c.segment);
  }
};

// With 32 bits, one subtraction tells whether a step is in the column and how far.
template <Span span, typename S>
struct Column<span, S, true> {
  uint32_t begin, lead, longest;
  Segment<float> segment;

  MLXS_FN Column(const Table& table, int k)
      : begin(table.begins[k]),
        lead(table.leads[k]),
        longest((table.of[k].last ? ~0u : table.begins[k + 1] - 1) - begin),
        segment(table.of[k].segment) {}

  MLXS_FN bool has(S s) const { return clipped<uint32_t>(s) - begin <= longest; }

  template <typename E>
  MLXS_FN float value(S s) const {
    uint32_t n = clipped<uint32_t>(s) - begin + lead;
    return value_on<E, span>(n, segment);
  }
};

template <Span span, typename S>
MLXS_FN int column_in(S s, const Table& table) {
  int column = 0;
  if constexpr (span == Span::Wide64) {
    for (int k = 1; k < table.columns; k++) {
      column = reached(position_of<false>(s), table.of[k].begin) ? k : column;
    }
    return column;
  }
#pragma unroll 1
  for (int k = 0; k < table.columns; k += 4) {
#pragma unroll
    for (int j = 0; j < 4; j++) {
      column = clipped<uint32_t>(s) >= table.begins[k + j] ? k + j : column;
    }
  }
  return min(column, table.columns - 1);
}

// Where a thread is in its block's run of steps.
template <typename S, typename O>
struct Place {
  const Four<S>* from; // the block's run
  Four<O>* to;
  int end, i; // counted in Fours: the length of the run, and the thread's position in it
  Four<S> step;

  MLXS_FN Place(const S* steps, O* out, int64_t fours) {
    auto [first, length] = run_of_block(fours);
    from = reinterpret_cast<const Four<S>*>(steps) + first;
    to = reinterpret_cast<Four<O>*>(out) + first;
    end = int(min(max(fours - first, int64_t(0)), length));
    i = threadIdx.x;
    step = {};
    read();
  }

  MLXS_FN void read() {
    if (i < end) {
      step = from[i];
    }
  }

  MLXS_FN int lane() const { return threadIdx.x % kWarp; }
  MLXS_FN bool warp_has() const { return i < end - (kWarp - 1) + lane(); } // a Four for every thread of the warp

  MLXS_FN void go() {
    i += blockDim.x;
    read();
  }
};

// Stays in the column while all Fours of the warp are in it, so that its threads never diverge: unordered steps reach
// 0.52 of a copy's speed, against 0.18 when each thread went on by itself.
template <typename E, Span span, typename S, typename O>
MLXS_FN void stay(Place<S, O>& p, const Column<span, S>& column) {
  while (p.warp_has()) {
    bool inside = true;
#pragma unroll
    for (int j = 0; j < 4; j++) {
      inside = inside && column.has(p.step.x[j]);
    }
    if (!__all_sync(~0u, inside)) {
      break;
    }
    Four<O> y;
#pragma unroll
    for (int j = 0; j < 4; j++) {
      y.x[j] = O(column.template value<E>(p.step.x[j]));
    }
    p.to[p.i] = y;
    p.go();
  }
}

#define MLXS_IF_KNOWN(type, call) \
  case k##type:                   \
    if constexpr (known >> k##type & 1) return call;

template <int known, Span span, typename S, typename O>
MLXS_FN void stay_any(Place<S, O>& p, const Table& table) {
  int k = column_in<span>(S(__shfl_sync(~0u, p.step.x[0], 0)), table);
  const Column<span, S> column(table, k);
  switch (table.of[k].ease) {
#define MLXS_STAY(type, ...) MLXS_IF_KNOWN(type, stay<type>(p, column))
    MLXS_EASES(MLXS_STAY)
  }
}

template <int known, Span span, typename S>
MLXS_FN float value_at(S s, const Table& table) {
  int k = column_in<span>(s, table);
  const Column<span, S> column(table, k);
  switch (table.of[k].ease) {
#define MLXS_VALUE(type, ...) MLXS_IF_KNOWN(type, column.template value<type>(s))
    MLXS_EASES(MLXS_VALUE)
  }
  return 0.0f;
}

template <int known, Span span, typename S, typename O>
MLXS_FN void run(Place<S, O> p, const Table& table) {
  while (p.i - p.lane() < p.end) { // the same for all threads of a warp
    int before = p.i;
    stay_any<known, span>(p, table);
    if (p.i != before) {
      continue;
    }
    if (p.i < p.end) { // steps across a boundary or in no order
      Four<S> s = p.step;
      Four<O> y;
#pragma unroll 1
      for (int j = 0; j < 2; j++) { // rotates `s`: an array that is indexed lies in memory instead of registers
        O first = O(value_at<known, span>(s.x[0], table)), second = O(value_at<known, span>(s.x[1], table));
        s = {s.x[2], s.x[3], s.x[0], s.x[1]};
        y = {y.x[2], y.x[3], first, second};
      }
      p.to[p.i] = y;
    }
    p.go();
  }
}

template <int known, int present, int types, int by_column, typename S, typename O, typename Shape>
MLXS_FN void contiguous(
    const S* step, O* out, const void* const* data, int ndim, const Shape& shape, const int* about) {
  __shared__ Table table;
  int64_t n = size_of(ndim, shape);
  Place<S, O> p(step, out, n / 4); // starts reading steps, which arrive while the columns are prepared
  auto o = operands<O, present, types, by_column>(about, data);
  Span mine = Span::Narrow;
  if (threadIdx.x < kTable) {
    table.begins[threadIdx.x] = ~0u;
  }
  if (int k = threadIdx.x; k < o.columns) {
    Cursor c = enter(known, k, o);
    table.of[k] = c;
    table.begins[k] = uint32_t(c.start.begin);
    table.leads[k] = uint32_t(table.begins[k] - c.start.less);
    table.columns = o.columns;
    mine = k == 0 && c.start.begin != 0 ? Span::Wide64 : span_of<S>(c); // the first column may begin after step 0
  }
  bool wide64 = __syncthreads_or(mine == Span::Wide64), wide32 = __syncthreads_or(mine == Span::Wide32);
  Span span = wide64 ? Span::Wide64 : (wide32 ? Span::Wide32 : Span::Narrow);
  if constexpr (is_integer<S>) {
    by_span(span, [&](auto at) { run<known, at.span>(p, table); });
  } else {
    run<known, Span::Wide64>(p, table);
  }
  __syncthreads(); // as in segment.cu
  if (int64_t last = n / 4 * 4 + threadIdx.x; blockIdx.x == 0 && last < n) {
    out[last] = O(value_at<known, Span::Wide64>(step[last], table));
  }
}

} // namespace mlx_schedules
