// Runs of steps against columns: of each tile only the columns in force at one of its steps are evaluated.
#pragma once

#include <algorithm>
#include <array>
#include <memory>

#include "cpu/evaluator.h"
#include "cpu/times.h"
#include "op.h"

namespace mlx_schedules::cpu {

template <typename R>
class ColumnEvaluator {
 public:
  static constexpr size_t kRun = 4 * kTile;

  ColumnEvaluator(const Columns& columns, bool exact_reals, mx::Dtype out)
      : columns_(columns),
        count_(columns.eases.size()),
        exact_reals_(exact_reals),
        out_(out),
        loops_(column_kernels<R>()) {}

  void prepare(const std::vector<Block>& hyperparameters) {
    blocks_ = hyperparameters;
    n_ = blocks_[kInit - 1].size();
    for (auto& slot : held_) {
      slot.column = -1;
    }
    times_.reserve(size_t(count_ + kOthers) * n_);
    read(kBegin, kBeginRest, 0, count_, begin(0));
    if (columns_.repeat >= 0) {
      read(kPeriod, kPeriodRest, 0, 1, period());
    }
    find_reaches();
  }

  // Several tiles of steps, where they lie as the loops read them and one column serves all of them: bounds are found
  // and the column's numbers loaded once, which took a fifth of the time. False where it is not so.
  bool run_at_once(const Block& step, char* out) {
    int n = step.size();
    bool small = step.type == mx::uint32 || step.type == mx::int32;
    if (sizeof(R) == 8 || !small || out_ != mx::float32 || columns_.repeat >= 0 || !whole(n)) {
      return false;
    }
    positions_.small = reinterpret_cast<const uint32_t*>(step.data);
    kind_ = kSmallSteps;
    if (count_ > 1 || step.type == mx::int32) {
      find_bounds(n);
    } else {
      bounds_.whole[0] = 0;
    }
    if (step.type == mx::int32 && bounds_.whole[1] >> 31) { // there are negative ones
      return false;
    }
    auto [first, last] = in_force();
    if (first != last || prepared(first).way > kWide32) {
      return false;
    }
    evaluate(first, n, true, reinterpret_cast<R*>(out));
    return true;
  }

  // `uniform`: every step meets the hyperparameters' first entry.
  void run(const Block& step, char* out, bool uniform) {
    int n = step.size();
    read_steps(step, out);
    if (columns_.repeat >= 0) {
      fold(n, uniform);
    }
    bounds_.whole[0] = 0;
    if (count_ > 1 || !uniform) {
      find_bounds(n);
    }
    R* values = out_.size() == sizeof(R) && whole(n) ? reinterpret_cast<R*>(out) : values_;
    auto [first, last] = in_force();
    evaluate(first, n, uniform, values);
    if (first != last) {
      blend_others(first, last, n, uniform, values);
    }
    if (values == values_) {
      loops_.store[step_type(out_) - kFloats](values_, n, out);
    }
  }

 private:
  static bool whole(int n) { return n % kVector == 0; } // else evaluation reads and writes beyond the last

  // ---- Hyperparameters

  const Block* block(Operand k) const {
    int input = columns_.input(k);
    return input < 0 ? nullptr : &blocks_[input - 1];
  }

  // An operand of `count` columns, or zeros.
  template <typename To>
  void read(Operand k, int column, int count, To* to) const {
    auto* b = block(k);
    if (!b) {
      std::fill_n(to, size_t(count) * n_, To(0));
    } else if (b->height == 1) {
      gather(b->of_columns(column, count), to);
    } else {
      for (int i = 0; i < count; i++) {
        gather(b->of_column(column + i), to + size_t(i) * n_);
      }
    }
  }

  void read(Operand k, Operand rest, int column, int count, const Times<R>& to) const {
    auto* b = block(k);
    bool real = b && mx::issubdtype(b->type, mx::floating);
    if (real) {
      read(k, column, count, to.hi);
    } else if (b && mx::issubdtype(b->type, mx::signedinteger)) { // what is negative has begun, or has ended
      auto whole = reinterpret_cast<int64_t*>(to.whole);
      read(k, column, count, whole);
      std::transform(whole, whole + size_t(count) * n_, whole, [](int64_t t) { return std::max<int64_t>(t, 0); });
    } else {
      read(k, column, count, to.whole);
    }
    if (real) {
      read(rest, column, count, to.lo);
    } else {
      read(rest, column, count, to.fraction);
    }
    loops_.read_times(to, count * n_, real);
  }

  Times<R> begin(int column) const { return times_.from(size_t(column) * n_); }
  Times<R> period() const { return begin(count_); }

  // The least and the largest of a column's begins among the entries: rounded down and up to whole steps, and in their
  // high parts.
  struct Reach {
    uint64_t whole[2];
    R real[2];
  };

  void find_reaches() {
    reaches_.resize(count_);
    for (int k = 1; k < count_; k++) {
      auto b = begin(k);
      Reach r{{~uint64_t(0), 0}, {b.hi[0], b.hi[0]}};
      for (int i = 0; i < n_; i++) {
        bool never = b.whole[i] == ~uint64_t(0);
        uint64_t first = b.whole[i] + (!never && b.fraction[i] > 0);
        r = {{std::min(r.whole[0], b.whole[i]), std::max(r.whole[1], first)},
             {std::min(r.real[0], b.hi[i]), std::max(r.real[1], b.hi[i])}};
      }
      reaches_[k] = r;
    }
  }

  ColumnTile<R>& prepared(int column) {
    auto& slot = held_[column % kHeld];
    if (slot.column != column) {
      if (!slot.tile) {
        slot.tile.reset(new ColumnTile<R>);
      }
      slot.column = column;
      auto& tile = *slot.tile;
      read(kInit, column, 1, tile.init);
      read(kEnd, column, 1, tile.end);
      read(kParameter, column, 1, tile.parameter_hi);
      read(kParameterRest, column, 1, tile.parameter_lo);
      auto lead = begin(count_ + 1), length = begin(count_ + 2);
      read(kLead, kLeadRest, column, 1, lead);
      read(kLength, kLengthRest, column, 1, length);
      loops_.prepare[columns_.eases[column]](tile, n_, begin(column), lead, length);
    }
    return *slot.tile;
  }

  // ---- Steps

  void read_steps(const Block& step, const char* out) {
    int n = step.size();
    auto type = step_type(step.type);
    const char* data = step.data;
    if (!step.contiguous()) {
      gather_bytes(step, steps_);
      data = reinterpret_cast<const char*>(steps_);
    }
    single_ = true;
    if (sizeof(R) == 4 && type == Uint32 && whole(n) && data != out) { // else the output would replace them
      positions_.small = reinterpret_cast<const uint32_t*>(data);
      kind_ = kSmallSteps;
      return;
    }
    uint64_t any = loops_.read[type](data, n, positions_);
    if (mx::issubdtype(step.type, mx::floating)) {
      kind_ = exact_reals_ ? kExactSteps : kRealSteps;
      if (exact_reals_) {
        loops_.real_to_exact(positions_, n);
      }
    } else {
      as_integers(any);
    }
  }

  // Where 32 bits hold all steps of a tile, as `any` says, the loops are up to 16 times as fast.
  void as_integers(uint64_t any) {
    kind_ = sizeof(R) == 8 || any >> 32 ? kLargeSteps : kSmallSteps;
    positions_.small = positions_.held;
  }

  void fold(int n, bool uniform) {
    if (kind_ == kSmallSteps) {
      loops_.widen(positions_, n);
    }
    auto from = begin(columns_.repeat), by = period();
    bool integers = kind_ == kSmallSteps || kind_ == kLargeSteps;
    if (integers && (fractional(from) || fractional(by))) {
      loops_.large_to_exact(positions_, n);
      kind_ = kExactSteps;
    }
    if (kind_ == kRealSteps) {
      loops_.fold_real(positions_, n, from, by, uniform);
      single_ = false;
    } else if (kind_ == kExactSteps) {
      loops_.fold_exact(positions_, n, from, by, uniform);
    } else {
      as_integers(loops_.fold_large(positions_, n, from, by, uniform));
    }
  }

  bool fractional(const Times<R>& t) const {
    return std::any_of(t.fraction, t.fraction + n_, [](uint64_t fraction) { return fraction != 0; });
  }

  void find_bounds(int n) { loops_.bounds[kind_](positions_, n, bounds_); }

  // The first and the last column that any of the steps may be in.
  std::pair<int, int> in_force() const {
    auto column = [&](int end) { // begins do not decrease
      auto beyond =
          std::partition_point(reaches_.begin() + 1, reaches_.end(), [&](auto& reach) { return holds(reach, end); });
      return int(beyond - reaches_.begin()) - 1;
    };
    return count_ == 1 ? std::pair(0, 0) : std::pair(column(0), column(1));
  }

  // Whether the least step (0) has surely reached a column in every entry, or the largest (1) may have in one: bounds
  // are without low parts and fractions. No step reaches what never begins, at the largest number.
  bool holds(const Reach& reach, int end) const {
    if (!end && reach.whole[1] == ~uint64_t(0)) {
      return false;
    }
    if (kind_ == kRealSteps) {
      return end ? bounds_.real[1] >= reach.real[0] : bounds_.real[0] > reach.real[1];
    }
    return bounds_.whole[end] >= reach.whole[1 - end];
  }

  // ---- Values

  void blend_others(int first, int last, int n, bool uniform, R* values) {
    std::fill_n(at_, n, first);
    for (int k = first + 1; k <= last; k++) {
      loops_.mark[kind_](positions_, n, begin(k), uniform, k, at_);
    }
    for (int k = first + 1; k <= last; k++) {
      if (std::find(at_, at_ + n, k) != at_ + n) {
        evaluate(k, n, uniform, others_);
        loops_.blend(others_, n, at_, k, values);
      }
    }
  }

  Way way(const ColumnTile<R>& tile) const {
    if (kind_ == kExactSteps || (kind_ != kRealSteps && tile.way == kExact)) {
      return kExact;
    }
    if (kind_ == kRealSteps) {
      return single_ ? tile.real_way : kReal;
    }
    if (kind_ == kLargeSteps) {
      return kWide64;
    }
    return tile.way == kNarrow && bounds_.whole[0] >= tile.begun ? kInside : tile.way;
  }

  void evaluate(int column, int n, bool uniform, R* values) {
    auto& tile = prepared(column);
    Way chosen = way(tile);
    if (kind_ == kSmallSteps && (chosen == kWide64 || chosen == kExact)) {
      loops_.widen(positions_, n);
    }
    if (kind_ != kExactSteps && chosen == kExact) {
      loops_.large_to_exact(positions_, n);
    }
    loops_.evaluate[columns_.eases[column]][chosen][uniform ? 0 : 1](
        positions_, (n + kVector - 1) / kVector, tile, values);
  }

  static constexpr int kHeld = 8;   // columns kept prepared: 40 KiB each
  static constexpr int kOthers = 3; // period, lead and length, which lie behind the begins

  struct Slot {
    int column = -1;
    std::unique_ptr<ColumnTile<R>> tile;
  };

  const Columns& columns_;
  int count_;
  bool exact_reals_;
  mx::Dtype out_;
  const ColumnKernels<R>& loops_;
  std::vector<Block> blocks_;
  int n_ = 0; // entries of the hyperparameters
  TimeMemory<R> times_;
  std::vector<Reach> reaches_; // of the columns from the second on
  std::array<Slot, kHeld> held_;
  Kind kind_ = kSmallSteps;
  bool single_ = true; // real steps are single numbers
  Bounds<R> bounds_{};
  Positions<R> positions_;
  R values_[kTile], others_[kTile];
  int at_[kTile];
  uint64_t steps_[kTile];
};

} // namespace mlx_schedules::cpu
