// Which columns the steps of a tile may be in.
#pragma once

#include <algorithm>
#include <utility>
#include <vector>

#include "cpu/columns.h"

namespace mlx_schedules::cpu {

template <typename R>
class Reaches {
 public:
  void resize(int columns) { reaches_.resize(columns); }

  // Sets the begins of a column other than the first, one for each of n entries.
  void set(int column, const Times<R>& begin, int n) {
    Reach r{{~uint64_t(0), 0}, {begin.hi[0], begin.hi[0]}};
    for (int i = 0; i < n; i++) {
      bool never = begin.whole[i] == ~uint64_t(0);
      uint64_t first = begin.whole[i] + (!never && begin.fraction[i] > 0);
      r = {{std::min(r.whole[0], begin.whole[i]), std::max(r.whole[1], first)},
           {std::min(r.real[0], begin.hi[i]), std::max(r.real[1], begin.hi[i])}};
    }
    reaches_[column] = r;
  }

  // The first and the last column that any of the steps may be in.
  std::pair<int, int> in_force(const Bounds<R>& bounds, Kind kind) const {
    auto column = [&](int end) { // begins don't decrease from column to column
      auto beyond = std::partition_point(
          reaches_.begin() + 1, reaches_.end(), [&](auto& reach) { return holds(reach, end, bounds, kind); });
      return int(beyond - reaches_.begin()) - 1;
    };
    return reaches_.size() == 1 ? std::pair(0, 0) : std::pair(column(0), column(1));
  }

 private:
  // The least and the largest begin of a column over all entries: as whole steps, rounded down and up; and as reals,
  // without low parts.
  struct Reach {
    uint64_t whole[2];
    R real[2];
  };

  // If `end` is 0: whether the least step has certainly reached a column in every entry. If it is 1: whether the
  // largest step may have reached it in any entry. (Bounds have no low parts or fractions.) No step reaches a begin at
  // the largest number, which means never.
  static bool holds(const Reach& reach, int end, const Bounds<R>& bounds, Kind kind) {
    if (!end && reach.whole[1] == ~uint64_t(0)) {
      return false;
    }
    if (kind == kRealSteps) {
      return end ? bounds.real[1] >= reach.real[0] : bounds.real[0] > reach.real[1];
    }
    return bounds.whole[end] >= reach.whole[1 - end];
  }

  std::vector<Reach> reaches_;
};

} // namespace mlx_schedules::cpu
