// A cursor: the column that a GPU thread is in, prepared once and kept until the thread's steps leave it. (The CPU
// works on blocks of steps instead: csrc/cpu/columns.h.)
//
// Each backend has a type Operands, a schedule's numbers for one of its parameter groups, with
//   columns, repeat                   the number of columns, and the column from which they repeat, or -1
//   ease_of(o, column)                the column's EaseCode
//   value_of(o, operand, column)      kInit or kEnd
//   time_of(o, operand, rest, column) a Time; 0 if the operand is left out
//   real_of(o, operand, column)       a real; 0 if the operand is left out
//
// `known` is a compile-time constant with a bit for each ease that the kernel may meet; the compiler drops the others.
#pragma once

#include "column.h"
#include "operands.h"

// The position of a step is an Exact or, where the schedule's numbers don't need that precision, a Real.
using Real = Pair<float>;

MLXS_FN bool reached(Exact<float> p, Time<float> begin) {
  return begun(p.steps, begin.steps);
}
MLXS_FN bool reached(Real p, Time<float> begin) {
  return begun(p, begin.value);
}

// How steps are folded into the columns that repeat, prepared once for all steps.
struct Fold {
  bool repeats;
  Time<float> begin, period;
  uint64_t inverse; // of the period's whole part, for `quotient`
};

template <typename O>
MLXS_FN Fold fold(O o) {
  Fold f;
  f.repeats = o.repeat >= 0;
  f.begin = time_of(o, kBegin, kBeginRest, f.repeats ? o.repeat : 0);
  f.period = time_of(o, kPeriod, kPeriodRest, 0);
  uint64_t whole = f.period.steps.whole;
  f.inverse = f.repeats && whole > 0 ? ~uint64_t(0) / whole : uint64_t(0);
  return f;
}

// For a whole step, begin and period. It avoids `%`, which Apple's GPUs compute bit by bit for 64-bit integers and,
// according to a public report, wrongly: 2^32 - 2 modulo 3 gave 2^32 - 1.
MLXS_FN uint64_t repeated(uint64_t step, Fold f) {
  uint64_t begin = f.begin.steps.whole, period = f.period.steps.whole, n = step - begin;
  bool once = (step < begin) | (period == 0);
  return once ? step : begin + (n - quotient(n, period, f.inverse) * period);
}

MLXS_FN Exact<float> repeated(Exact<float> p, Fold f) {
  if (f.repeats && (p.steps.fraction | f.begin.steps.fraction | f.period.steps.fraction) == 0) {
    p.steps.whole = repeated(p.steps.whole, f);
  } else if (f.repeats) {
    p.steps = folded<float>(p.steps, f.begin.steps, f.period.steps);
  }
  return p;
}

MLXS_FN Real repeated(Real p, Fold f) {
  if (f.repeats) {
    p = folded(p, f.begin.value, f.period.value);
  }
  return p;
}

template <typename S>
MLXS_FN Exact<float> exact_position(S step) {
  return {{clipped<uint64_t>(step), 0}, 0.0f};
}
MLXS_FN Exact<float> exact_position(float step) {
  return exact(finite_step(step));
}

MLXS_FN Real real_position(float step) {
  return {finite_step(step), 0.0f};
}

struct Cursor {
  int column, ease; // column is -1 before the first step
  bool last;
  Time<float> begin, next;
  Start<float> start;
  Segment<float> segment;
};

MLXS_FN Segment<float> prepare_any(
    int known, int ease, Time<float> length, float init, float end, Pair<float> parameter) {
  switch (ease) {
#define MLXS_PREPARE(type, ...) \
  case k##type:                 \
    if ((known >> k##type) & 1) return prepare<type>(length, init, end, parameter);
    MLXS_EASES(MLXS_PREPARE)
  }
  return prepare<Hold>(length, init, end, parameter);
}

template <typename O>
MLXS_FN Cursor enter(int known, int column, O o) {
  Cursor c;
  c.column = column;
  c.ease = ease_of(o, column);
  c.last = column + 1 == o.columns;
  c.begin = time_of(o, kBegin, kBeginRest, column);
  c.next = time_of(o, kBegin, kBeginRest, c.last ? column : column + 1);
  c.start = start(c.begin, time_of(o, kLead, kLeadRest, column));
  Pair<float> parameter = fast_two_sum(real_of(o, kParameter, column), real_of(o, kParameterRest, column));
  c.segment = prepare_any(known,
                          c.ease,
                          time_of(o, kLength, kLengthRest, column),
                          value_of(o, kInit, column),
                          value_of(o, kEnd, column),
                          parameter);
  return c;
}

template <typename P, typename O>
MLXS_FN int column_of(P p, O o) {
  int column = 0;
  for (int k = 1; k < o.columns; k++) {
    column = reached(p, time_of(o, kBegin, kBeginRest, k)) ? k : column;
  }
  return column;
}

template <typename P>
MLXS_FN bool stays(P p, Cursor c) {
  return c.column >= 0 && (c.column == 0 || reached(p, c.begin)) && (c.last || !reached(p, c.next));
}

template <typename P>
MLXS_FN float value_any(int known, P p, Cursor c) {
  switch (c.ease) {
#define MLXS_VALUE_ANY(type, ...) \
  case k##type:                   \
    if ((known >> k##type) & 1) return column_value<type>(p, c.start, c.segment);
    MLXS_EASES(MLXS_VALUE_ANY)
  }
  return 0.0f;
}
