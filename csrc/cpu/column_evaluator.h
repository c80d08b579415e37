// Runs of steps against columns: of each tile only the columns in force at one of its steps are evaluated.
#pragma once

#include <algorithm>
#include <array>
#include <memory>

#include "cpu/evaluator.h"
#include "op.h"

namespace mlx_schedules::cpu {

template <typename R>
class ColumnEvaluator {
 public:
  ColumnEvaluator(const Columns& columns, bool exact_reals, mx::Dtype out)
      : columns_(columns),
        exact_reals_(exact_reals),
        out_(out),
        loops_(column_kernels<R>()),
        begins_(columns.eases.size()) {}

  bool takes(mx::Dtype) const { return false; }
  void loop(const void*, char*, size_t, bool) {}

  void prepare(const std::vector<Block>& hyperparameters) {
    blocks_ = hyperparameters;
    n_ = blocks_[kInit - 1].rows * blocks_[kInit - 1].columns;
    held_ = {};
    for (size_t k = 0; k < columns_.eases.size(); k++) {
      read(kBegin, kBeginRest, k, begins_[k]);
    }
    read(kPeriod, kPeriodRest, 0, period_);
  }

  // Several tiles of dense steps, where they lie as the loops read them and one column serves all of them: bounds are
  // found and the column's numbers loaded once, which took a fifth of the time. False where it is not so.
  bool run_at_once(const Block& step, char* out) {
    int n = step.columns;
    bool small = step.type == mx::uint32 || step.type == mx::int32;
    if (sizeof(R) == 8 || !small || out_ != mx::float32 || columns_.repeat >= 0 || !whole(n)) {
      return false;
    }
    positions_.small = reinterpret_cast<const uint32_t*>(step.data);
    kind_ = kSmallSteps;
    if (step.type == mx::int32 && bounds(n).whole[1] >> 31) { // there are negative ones
      return false;
    }
    auto [first, last] = in_force(n, true);
    if (first != last || prepared(first).way > kWide32) {
      return false;
    }
    evaluate(first, n, true, reinterpret_cast<R*>(out));
    return true;
  }

  // `uniform`: every step meets the hyperparameters' first entry.
  void run(const Block& step, char* out, bool uniform) {
    int n = step.rows * step.columns;
    read_steps(step, n, out);
    if (columns_.repeat >= 0) {
      fold(n, uniform);
    }
    as_small(n);
    R* values = out_.size() == sizeof(R) && whole(n) ? reinterpret_cast<R*>(out) : values_;
    auto [first, last] = in_force(n, uniform);
    evaluate(first, n, uniform, values);
    if (first != last) {
      blend_others(first, last, n, uniform, values);
    }
    if (values == values_) {
      loops_.store[step_type(out_)](values_, n, out);
    }
  }

 private:
  enum Kind { kSmallSteps, kLargeSteps, kRealSteps, kExactSteps };

  static bool whole(int n) { return n % kVector == 0; } // else evaluation reads and writes beyond the last

  const Block* block(Operand k) const {
    int input = columns_.input(k);
    return input < 0 ? nullptr : &blocks_[input - 1];
  }

  // An operand of one column, or zeros.
  template <typename To>
  void read(Operand k, int column, To* to) const {
    if (auto* b = block(k)) {
      gather(b->of_column(column), to);
    } else {
      std::fill_n(to, n_, To(0));
    }
  }

  void read(Operand k, Operand rest, int column, Times<R>& to) const {
    auto* b = block(k);
    bool real = b && mx::issubdtype(b->type, mx::floating);
    if (real) {
      read(k, column, to.hi);
    } else if (b && mx::issubdtype(b->type, mx::signedinteger)) { // what is negative has begun, or has ended
      auto whole = reinterpret_cast<int64_t*>(to.whole);
      read(k, column, whole);
      std::transform(whole, whole + n_, whole, [](int64_t t) { return std::max<int64_t>(t, 0); });
    } else {
      read(k, column, to.whole);
    }
    if (real) {
      read(rest, column, to.lo);
    } else {
      read(rest, column, to.fraction);
    }
    loops_.read_times(to, n_, real);
  }

  void read_steps(const Block& step, int n, const char* out) {
    auto type = step_type(step.type);
    bool contiguous = (step.column == 1 || step.columns == 1) && (step.row == step.columns || step.rows == 1);
    const char* data = step.data;
    if (!contiguous) {
      gather_bytes(step, steps_);
      data = reinterpret_cast<const char*>(steps_);
    }
    bool as_they_lie =
        sizeof(R) == 4 && type == Uint32 && whole(n) && data != out; // else the output would replace them
    positions_.small = as_they_lie ? reinterpret_cast<const uint32_t*>(data) : positions_.held;
    if (!as_they_lie) {
      loops_.read[type](data, n, positions_);
    }
    bool integers = !mx::issubdtype(step.type, mx::floating);
    kind_ = !integers ? kRealSteps : (sizeof(R) == 8 || step.type.size() == 8 ? kLargeSteps : kSmallSteps);
    if (kind_ == kRealSteps && exact_reals_) {
      loops_.real_to_exact(positions_, n);
      kind_ = kExactSteps;
    }
  }

  void as_large(int n) {
    if (kind_ == kSmallSteps) {
      loops_.widen(positions_, n);
      kind_ = kLargeSteps;
    }
  }

  // Where 32 bits hold all of them the loops are up to 16 times as fast.
  void as_small(int n) {
    if (sizeof(R) == 4 && kind_ == kLargeSteps && bounds(n).whole[1] >> 32 == 0) {
      loops_.narrow(positions_, n);
      kind_ = kSmallSteps;
    }
  }

  void fold(int n, bool uniform) {
    auto& begin = begins_[columns_.repeat];
    as_large(n);
    if (kind_ == kLargeSteps && (fractional(begin) || fractional(period_))) {
      loops_.large_to_exact(positions_, n);
      kind_ = kExactSteps;
    }
    auto way = kind_ == kRealSteps ? loops_.fold_real : kind_ == kLargeSteps ? loops_.fold_large : loops_.fold_exact;
    way(positions_, n, begin, period_, uniform);
  }

  bool fractional(const Times<R>& t) const {
    return std::any_of(t.fraction, t.fraction + n_, [](uint64_t fraction) { return fraction != 0; });
  }

  Way marking() const {
    constexpr Way ways[] = {kNarrow, kWide64, kReal, kExact};
    return ways[kind_];
  }

  // The first and the last column that any of the steps may be in; all of them where groups differ.
  std::pair<int, int> in_force(int n, bool uniform) {
    int last = columns_.eases.size() - 1;
    least_ = 0;
    if (last == 0) {
      return {0, 0};
    }
    if (!uniform) {
      std::fill_n(at_, n, 0);
      for (int k = 1; k <= last; k++) {
        loops_.mark[marking()](positions_, n, begins_[k], false, k, at_);
      }
      auto [least, most] = std::minmax_element(at_, at_ + n);
      return {*least, *most};
    }
    auto ends = bounds(n);
    least_ = ends.whole[0];
    auto column = [&](int end) { // begins do not decrease
      auto beyond = std::partition_point(
          begins_.begin() + 1, begins_.end(), [&](auto& begin) { return holds(begin, ends, end); });
      return int(beyond - begins_.begin()) - 1;
    };
    return {column(0), column(1)};
  }

  struct Bounds {
    uint64_t whole[2];
    R real[2];
  };

  Bounds bounds(int n) const {
    Bounds b{};
    if (kind_ == kRealSteps) {
      loops_.bounds_real(positions_, n, &b.real[0], &b.real[1]);
    } else {
      (kind_ == kSmallSteps ? loops_.bounds_small : loops_.bounds_large)(positions_, n, &b.whole[0], &b.whole[1]);
    }
    return b;
  }

  // Whether the least (0) or the largest (1) step has reached a begin. Of those known without their low parts or
  // fractions, the least only if it surely has and the largest if it may have.
  bool holds(const Times<R>& begin, const Bounds& b, int end) const {
    if (begin.whole[0] == ~uint64_t(0)) { // never
      return false;
    }
    if (kind_ == kRealSteps) {
      return end ? b.real[1] >= begin.hi[0] : b.real[0] > begin.hi[0];
    }
    bool may = end && kind_ == kExactSteps;
    return b.whole[end] >= begin.whole[0] + (begin.fraction[0] > 0 && !may);
  }

  void blend_others(int first, int last, int n, bool uniform, R* values) {
    if (uniform) {
      std::fill_n(at_, n, first);
      for (int k = first + 1; k <= last; k++) {
        loops_.mark[marking()](positions_, n, begins_[k], true, k, at_);
      }
    }
    for (int k = first + 1; k <= last; k++) {
      if (std::find(at_, at_ + n, k) != at_ + n) {
        evaluate(k, n, uniform, others_);
        loops_.blend(others_, n, at_, k, values);
      }
    }
  }

  void evaluate(int column, int n, bool uniform, R* values) {
    auto& tile = prepared(column);
    Way way = kind_ == kRealSteps ? kReal : kExact;
    if (kind_ == kSmallSteps || kind_ == kLargeSteps) {
      way = kind_ == kLargeSteps && tile.way != kExact ? kWide64 : tile.way;
      if ((way == kWide64 || way == kExact) && kind_ == kSmallSteps) {
        loops_.widen(positions_, n);
      }
      if (way == kExact) {
        loops_.large_to_exact(positions_, n);
      }
      if (way == kNarrow && uniform && tile.begin[0] <= least_ && tile.more[0] == 0) {
        way = kInside;
      }
    }
    loops_.evaluate[columns_.eases[column]][way][uniform ? 0 : 1](
        positions_, (n + kVector - 1) / kVector, tile, values);
  }

  ColumnTile<R>& prepared(int column) {
    auto& slot = held_[column % kHeld];
    if (slot.column != column) {
      if (!slot.tile) {
        slot.tile = std::make_unique<ColumnTile<R>>();
      }
      slot.column = column;
      auto& tile = *slot.tile;
      read(kInit, column, tile.init);
      read(kEnd, column, tile.end);
      read(kParameter, column, tile.parameter_hi);
      read(kParameterRest, column, tile.parameter_lo);
      read(kLead, kLeadRest, column, lead_);
      read(kLength, kLengthRest, column, length_);
      loops_.prepare[columns_.eases[column]](tile, n_, begins_[column], lead_, length_);
    }
    return *slot.tile;
  }

  static constexpr int kHeld = 8; // columns kept prepared: 40 KiB each

  struct Slot {
    int column = -1;
    std::unique_ptr<ColumnTile<R>> tile;
  };

  const Columns& columns_;
  bool exact_reals_;
  mx::Dtype out_;
  const ColumnKernels<R>& loops_;
  std::vector<Times<R>> begins_;
  std::vector<Block> blocks_;
  int n_ = 0; // entries of the hyperparameters
  Kind kind_ = kSmallSteps;
  uint64_t least_ = 0; // no step is below it
  std::array<Slot, kHeld> held_;
  Times<R> period_, lead_, length_;
  Positions<R> positions_;
  R values_[kTile], others_[kTile];
  int at_[kTile];
  uint64_t steps_[kTile];
};

} // namespace mlx_schedules::cpu
