// The eases: rounded like MLX's own ops, with derivatives; and, for those whose rounding errors grow, from pairs.
#pragma once

#include "elapsed.h"

namespace mlx_schedules {

struct Ends {
  mx::array init, end;
};

// from + (to - from) w or to + (from - to) w.
mx::array interpolated(const mx::array& first, const mx::array& weight, const Ends& ends, const Ops& op);

mx::array ease_value(EaseCode ease, const Elapsed& e, const Ends& ends, const mx::array& parameter, const Ops& op);

// Whether there is a function of pairs; the others are exact enough.
bool has_exact_value(EaseCode ease);
mx::array exact_value(EaseCode ease, const Along<Pair>& e, const Ends& ends, const Pair& parameter, const Ops& op);

} // namespace mlx_schedules
