// A cursor: the column that a GPU's thread is in, prepared, until its steps leave it. (The CPU goes by blocks of steps:
// csrc/cpu/columns.h.) A backend's Operands are a schedule's numbers at one place of its groups; it has
//   columns, repeat                   how many, and the one from which they repeat; -1: none
//   ease_of(o, column)                an EaseCode
//   value_of(o, operand, column)      of kFrom and kTo
//   time_of(o, operand, rest, column) a Time; 0 where it is left out
//   real_of(o, operand, column)       likewise
// `known` has a bit for each ease that a kernel is compiled for: a constant, so that the others are left out.
#pragma once

#include "column.h"
#include "operands.h"

// Where a step is: as an integer, or as a pair of reals. Both know whether it has reached a begin.
struct Whole {
  uint64_t step;
};
struct Real {
  Pair<float> step;
};

MLXS_FN bool reached(Whole p, Time<float> begin) {
  return p.step >= begin.whole + (begin.fraction > 0.0f ? 1 : 0) && begin.whole != ~uint64_t(0);
}
MLXS_FN bool reached(Real p, Time<float> begin) {
  return begun(p.step, begin.value);
}

// The columns from one on laid over one another, prepared once for all steps.
struct Fold {
  bool repeats;
  Time<float> begin, period;
  uint64_t inverse; // of the period, for `quotient`
};

template <typename O>
MLXS_FN Fold fold(O o) {
  Fold f;
  f.repeats = o.repeat >= 0;
  f.begin = time_of(o, kBegin, kBeginRest, f.repeats ? o.repeat : 0);
  f.period = time_of(o, kPeriod, kPeriodRest, 0);
  f.repeats = f.repeats && f.period.value.hi > 0.0f;
  f.inverse = f.repeats && f.period.whole > 0 ? ~uint64_t(0) / f.period.whole : 0;
  return f;
}

// Apple's GPUs have given a wrong `%` of 64 bits, and take a loop over the bits for it: a public report has 2^32 - 2
// modulo 3 as 2^32 - 1.
MLXS_FN Whole repeated(Whole p, Fold f) {
  if (!f.repeats || f.period.whole == 0 || p.step < f.begin.whole) {
    return p;
  }
  uint64_t n = p.step - f.begin.whole;
  return {f.begin.whole + (n - quotient(n, f.period.whole, f.inverse) * f.period.whole)};
}
MLXS_FN Real repeated(Real p, Fold f) {
  return f.repeats ? Real{folded(p.step, f.begin.value, f.period.value)} : p;
}

template <typename S>
MLXS_FN Whole position(S step) {
  return {clipped<uint64_t>(step)};
}
MLXS_FN Real position(float step) {
  return {{finite_step(step), 0.0f}};
}

MLXS_FN Real as_real(Whole p) {
  return {split_any<float>(p.step)};
}
MLXS_FN Real as_real(Real p) {
  return p;
}

struct Cursor {
  int column, ease; // column -1: in none yet
  bool last;
  Time<float> begin, next;
  Start<float> start;
  Segment<float> segment;
};

MLXS_FN Segment<float> prepare_any(int known, int ease, Time<float> length, float from, float to, Pair<float> shape) {
  switch (ease) {
#define MLXS_PREPARE(type, name) \
  case k##type:                  \
    if ((known >> k##type) & 1) return prepare<type>(length, from, to, shape);
    MLXS_EASES(MLXS_PREPARE)
  }
  return prepare<Hold>(length, from, to, shape);
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
  Pair<float> shape = fast_two_sum(real_of(o, kShape, column), real_of(o, kShapeRest, column));
  c.segment = prepare_any(known,
                          c.ease,
                          time_of(o, kLength, kLengthRest, column),
                          value_of(o, kFrom, column),
                          value_of(o, kTo, column),
                          shape);
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

MLXS_FN float value_any(int known, Whole p, Cursor c) {
  switch (c.ease) {
#define MLXS_WHOLE_VALUE(type, name) \
  case k##type:                      \
    if ((known >> k##type) & 1) return column_value<type, Span::Wide64>(p.step, c.start, c.segment);
    MLXS_EASES(MLXS_WHOLE_VALUE)
  }
  return 0.0f;
}
MLXS_FN float value_any(int known, Real p, Cursor c) {
  switch (c.ease) {
#define MLXS_REAL_VALUE(type, name) \
  case k##type:                     \
    if ((known >> k##type) & 1) return real_column_value<type>(p.step, c.start, c.segment);
    MLXS_EASES(MLXS_REAL_VALUE)
  }
  return 0.0f;
}
