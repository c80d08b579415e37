// Evaluates a schedule at runs of steps. For each tile, only the columns that any of its steps is in are evaluated.
#pragma once

#include <algorithm>

#include "cpu/hyperparameters.h"
#include "cpu/reaches.h"
#include "cpu/step_type.h"

namespace mlx_schedules::cpu {

template <typename R>
class ColumnEvaluator {
 public:
  ColumnEvaluator(const Columns& columns, bool exact_reals, mx::Dtype out)
      : columns_(columns),
        count_(columns.eases.size()),
        exact_reals_(exact_reals),
        out_(out),
        loops_(of_type<R>(isa().positions)),
        counting_(of_type<R>(isa().counting)),
        easing_(of_type<R>(isa().easing)),
        numbers_(columns) {}

  void prepare(const std::vector<Block>& hyperparameters, int rows) {
    numbers_.set(hyperparameters, rows);
    alone_ = count_ == 1 && columns_.repeat < 0 && numbers_.prepared(0).plain ? &numbers_.prepared(0) : nullptr;
    reaches_.resize(count_);
    for (int k = 1; k < count_; k++) {
      reaches_.set(k, numbers_.begin(k), numbers_.entries());
    }
  }

  // The most steps that run_at_once takes. If there are several columns, longer runs would rarely lie in one of them.
  size_t most_at_once() const { return alone_ ? size_t(1) << 20 : size_t(4) * kTile; }

  // Evaluates several tiles of whole vectors at once, if the loops can read the steps in place and all are in one
  // column. Finding bounds and loading the column's numbers for each tile took a fifth of the time. Returns false
  // otherwise.
  bool run_at_once(const Block& step, char* out) {
    int n = step.size();
    if (run_alone(step.data, step.type, n, out, true)) {
      return true;
    }
    bool small = step.type == mx::uint32 || step.type == mx::int32;
    if (sizeof(R) == 8 || !small || out_ != mx::float32 || columns_.repeat >= 0) {
      return false;
    }
    positions_.small = reinterpret_cast<const uint32_t*>(step.data);
    kind_ = kSmallSteps;
    find_bounds(n);
    if (step.type == mx::int32 && bounds_.whole[1] >> 31) { // some steps are negative
      return false;
    }
    auto [first, last] = reaches_.in_force(bounds_, kind_);
    if (first != last || way(first) != kInside) {
      return false;
    }
    evaluate(first, n, true, reinterpret_cast<R*>(out));
    return true;
  }

  // `uniform`: all steps use the hyperparameters' first entry.
  void run(const Block& step, char* out, bool uniform) {
    int n = step.size();
    const char* data = step.data;
    if (!step.contiguous()) {
      gather_bytes(step, steps_);
      data = reinterpret_cast<const char*>(steps_);
    }
    if (whole(n) && run_alone(data, step.type, n, out, uniform)) {
      return;
    }
    read_steps(data, step.type, n, out);
    if (columns_.repeat >= 0) {
      fold(n, uniform);
    }
    bounds_.whole[0] = 0;
    if (count_ > 1 || numbers_.prepared(0).begun > 0) {
      find_bounds(n);
    }
    R* values = out_.size() == sizeof(R) && whole(n) ? reinterpret_cast<R*>(out) : values_;
    auto [first, last] = reaches_.in_force(bounds_, kind_);
    evaluate(first, n, uniform, values);
    if (first != last) {
      blend_others(first, last, n, uniform, values);
    }
    if (values == values_) {
      loops_.store[step_type(out_) - kFloats](values_, n, out);
    }
  }

 private:
  static bool whole(int n) { return n % kVector == 0; } // else evaluation passes the last step

  // Evaluates a schedule of one column from step 0 on, with a loop that takes the steps as they are. Apart from the
  // loop, a tile costs one call.
  bool run_alone(const char* step, mx::Dtype type, int n, char* out, bool uniform) {
    int ease = columns_.eases[0], varying = uniform ? 0 : 1;
    auto to = reinterpret_cast<R*>(out);
    if (!alone_ || out_.size() != sizeof(R)) {
      return false;
    }
    bool small = alone_->past == kInside && easing_.inside[ease][varying];
    if (small && type == mx::uint32) {
      easing_.inside[ease][varying](reinterpret_cast<const uint32_t*>(step), n / kVector, *alone_, to);
      return true;
    }
    if (small && uniform && type == mx::int32) {
      easing_.inside_signed[ease](reinterpret_cast<const int32_t*>(step), n / kVector, *alone_, to);
      return true;
    }
    if (type == out_ && alone_->real == kRealNarrow && !exact_reals_) {
      easing_.reals[ease][varying](reinterpret_cast<const R*>(step), n / kVector, *alone_, to);
      return true;
    }
    return false;
  }

  // ---- Steps

  void read_steps(const char* data, mx::Dtype dtype, int n, const char* out) {
    auto type = step_type(dtype);
    single_ = true;
    if (type == Uint32 && whole(n) && data != out) { // where the output doesn't replace the steps
      positions_.small = reinterpret_cast<const uint32_t*>(data);
      kind_ = kSmallSteps;
      return;
    }
    uint64_t any = loops_.read[type](data, n, positions_);
    if (mx::issubdtype(dtype, mx::floating)) {
      kind_ = kRealSteps;
      if (exact_reals_) {
        kind_ = loops_.real_to_words(positions_, n) ? kWordSteps : kExactSteps;
      }
      if (kind_ == kExactSteps) {
        loops_.real_to_exact(positions_, n);
      }
    } else {
      as_integers(any);
    }
  }

  // `any` tells whether 32 bits hold all steps of a tile, which makes the loops up to 16 times as fast.
  void as_integers(uint64_t any) {
    kind_ = any >> 32 ? kLargeSteps : kSmallSteps;
    positions_.small = positions_.held;
  }

  void fold(int n, bool uniform) {
    if (kind_ == kSmallSteps) {
      loops_.widen(positions_, n);
    } else if (kind_ == kWordSteps) {
      loops_.words_to_exact(positions_, n);
      kind_ = kExactSteps;
    }
    auto from = numbers_.begin(columns_.repeat), by = numbers_.period();
    bool integers = kind_ == kSmallSteps || kind_ == kLargeSteps;
    if (integers && (numbers_.fractional(from) || numbers_.fractional(by))) {
      loops_.large_to_exact(positions_, n);
      kind_ = kExactSteps;
    }
    if (kind_ == kRealSteps) {
      loops_.fold_real(positions_, n, from, by, uniform);
      single_ = false;
    } else if (kind_ == kExactSteps) {
      kind_ = loops_.fold_exact(positions_, n, from, by, uniform) ? kWordSteps : kExactSteps;
    } else {
      as_integers(loops_.fold_large(positions_, n, from, by, uniform));
    }
  }

  void find_bounds(int n) { loops_.bounds[kind_](positions_, n, bounds_); }

  // ---- Values

  void blend_others(int first, int last, int n, bool uniform, R* values) {
    if (kind_ == kWordSteps) {
      loops_.words_to_exact(positions_, n);
    }
    std::fill_n(at_, n, first);
    for (int k = first + 1; k <= last; k++) {
      loops_.mark[kind_](positions_, n, numbers_.begin(k), uniform, k, at_);
    }
    for (int k = first + 1; k <= last; k++) {
      if (std::find(at_, at_ + n, k) != at_ + n) {
        evaluate(k, n, uniform, others_);
        loops_.blend(others_, n, at_, k, values);
      }
    }
  }

  // How to count steps in a column. Except in the first column, steps before its begin may get any value there, because
  // blending discards it.
  Way way(int column) {
    auto& tile = numbers_.prepared(column);
    bool past = column > 0 || bounds_.whole[0] >= tile.begun;
    switch (kind_) {
      case kSmallSteps:
        return past ? tile.past : tile.before;
      case kLargeSteps:
        return tile.before == kExact ? kExact : kWide64;
      case kRealSteps:
        return single_ ? tile.real : kReal;
      default:
        return kind_ == kWordSteps && past ? tile.exact : kExact;
    }
  }

  void evaluate(int column, int n, bool uniform, R* values) {
    Way chosen = way(column);
    auto& tile = numbers_.prepared(column);
    auto ease = columns_.eases[column];
    int vectors = (n + kVector - 1) / kVector, varying = uniform ? 0 : 1;
    if (chosen == kInside && easing_.inside[ease][varying]) {
      return easing_.inside[ease][varying](positions_.small, vectors, tile, values);
    }
    if (chosen == kRealNarrow && tile.plain) {
      return easing_.reals[ease][varying](positions_.hi, vectors, tile, values);
    }
    provide(chosen, n);
    counting_.count[easing_.counts[ease]][chosen][varying](positions_, vectors, tile, counted_);
    easing_.values[ease][chosen < kWide32 ? 0 : 1][varying](counted_, vectors, tile, values);
  }

  // Converts the steps to the form that a way takes.
  void provide(Way way, int n) {
    bool exact = way == kExact;
    if (kind_ == kSmallSteps && (way == kWide64 || exact)) {
      loops_.widen(positions_, n);
    }
    if (kind_ == kWordSteps && exact) {
      loops_.words_to_exact(positions_, n);
    } else if (kind_ != kExactSteps && exact) {
      loops_.large_to_exact(positions_, n);
    }
  }

  const Columns& columns_;
  int count_;
  bool exact_reals_;
  mx::Dtype out_;
  const PositionKernels<R>& loops_;
  const CountKernels<R>& counting_;
  const EaseKernels<R>& easing_;
  Reaches<R> reaches_;
  Hyperparameters<R> numbers_;
  const ColumnTile<R>* alone_ = nullptr; // the column, if it is the only one and starts at step 0
  Kind kind_ = kSmallSteps;
  bool single_ = true; // each real step is a single number, not a pair
  Bounds<R> bounds_{};
  Positions<R> positions_;
  Counted<R> counted_;
  R values_[kTile], others_[kTile];
  int at_[kTile];
  uint64_t steps_[kTile];
};

} // namespace mlx_schedules::cpu
