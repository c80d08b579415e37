// One entry of a ColumnTile, in the structs that the formulas take. Included inside an anonymous namespace, after
// kernels/cpu/prelude.h.

#include "column.h"
#include "cpu/fractions.h"

template <typename R>
struct Entry {
  Segment<R> segment;
  Start<R> start;
  Offset<R> offset;
};

// `narrow` loads the length and `less` as 32-bit numbers; as 64-bit numbers they would take a third more time.
template <bool narrow, typename R>
MLXS_FN Entry<R> entry(const ColumnTile<R>& t, int i) {
  Entry<R> e;
#define MLXS_LOAD(type, name, place) e.place = t.name[i];
  MLXS_COLUMN_MEMBERS(MLXS_LOAD)
  MLXS_OFFSET_MEMBERS(MLXS_LOAD)
#undef MLXS_LOAD
  if constexpr (narrow) {
    e.segment.clock.length.steps.whole = t.whole32[i];
    e.start.less = t.less32[i];
  }
  return e;
}

template <typename R>
MLXS_FN Time<R> time_at(const Times<R>& t, int i) {
  Time<R> time;
#define MLXS_LOAD(type, name, place) time.place = t.name[i];
  MLXS_TIME_MEMBERS(MLXS_LOAD)
#undef MLXS_LOAD
  return time;
}

MLXS_FN float size(float x) {
  return __builtin_fabsf(x);
}
MLXS_FN double size(double x) {
  return __builtin_fabs(x);
}
