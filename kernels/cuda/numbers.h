// The numbers of a segment whose ease has no parameter, prepared by the host and passed to a kernel by value. They are
// the strides of a view of the steps, because MLX passes no other argument of so many bytes by value.
#pragma once

#include "../segment.h"

struct Numbers {
  uint64_t count; // of steps
  Time<float> length;
  float part, scale, init, end;
  Pair<float> rate, half_range;
};

MLXS_FN Numbers numbers_of(Segment<float> s, uint64_t count) {
  return {count, s.clock.length, s.clock.part, s.clock.scale, s.init, s.end, s.rate, s.half_range};
}

MLXS_FN Segment<float> segment_of(Numbers n) {
  return {{n.length, n.part, n.scale}, n.rate, {}, n.init, n.end, n.half_range};
}
