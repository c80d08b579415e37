// How far along a column its steps are: rounded once, as derivatives take it, and as pairs.
#pragma once

#include "pairs.h"

namespace mlx_schedules {

template <typename N> // mx::array, or Pair
struct Along {
  N n;             // steps since the begin, and the lead
  N nearer;        // the distance to the nearer end,
  mx::array first; // and whether that is the first
  N length;        // 1 where it is 0 or less,
  mx::array ended; // which has ended
  N turns;         // whole lengths since the begin
};

using Elapsed = Along<mx::array>;

Elapsed elapsed(const Column& c, const Ops& op);
Along<Pair> exactly_elapsed(const Column& c, const Ops& op); // without derivatives

mx::array begun(const Column& c, const Ops& op);

// Puts the steps of the first time in the place of those that repeat.
void fold(Column& c, const Ops& op);

} // namespace mlx_schedules
