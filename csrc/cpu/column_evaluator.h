// Runs of steps against columns: of each tile only the columns in force at one of its steps are evaluated.
#pragma once

#include <algorithm>
#include <array>
#include <memory>

#include "cpu/block.h"
#include "cpu/isa.h"
#include "cpu/reaches.h"
#include "cpu/step_type.h"
#include "cpu/times.h"
#include "op.h"

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
        easing_(of_type<R>(isa().easing)) {}

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
    alone_ = count_ == 1 && columns_.repeat < 0 && prepared(0).plain ? &prepared(0) : nullptr;
    reaches_.resize(count_);
    for (int k = 1; k < count_; k++) {
      reaches_.set(k, begin(k), n_);
    }
  }

  // Steps that run_at_once takes: a column alone needs no bounds; of several, few runs would lie in one.
  size_t most_at_once(mx::Dtype step) const {
    return count_ == 1 && step != mx::int32 ? size_t(1) << 20 : size_t(4) * kTile;
  }

  // Several tiles of whole vectors, where they lie as the loops read them and one column serves all of them: bounds are
  // found and the column's numbers loaded once, which took a fifth of the time. False where it is not so.
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
    bounds_.whole[0] = 0;
    if (count_ > 1 || step.type == mx::int32) {
      find_bounds(n);
    }
    if (step.type == mx::int32 && bounds_.whole[1] >> 31) { // there are negative ones
      return false;
    }
    auto [first, last] = reaches_.in_force(bounds_, kind_);
    if (first != last || way(first) != kInside) {
      return false;
    }
    evaluate(first, n, true, reinterpret_cast<R*>(out));
    return true;
  }

  // `uniform`: every step meets the hyperparameters' first entry.
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
    if (count_ > 1 || prepared(0).begun > 0) {
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
  static bool whole(int n) { return n % kVector == 0; } // else evaluation reads and writes beyond the last

  // One column from step 0 on, whose loop takes the steps as they come: all that a tile costs beside is a call.
  bool run_alone(const char* step, mx::Dtype type, int n, char* out, bool uniform) {
    int ease = columns_.eases[0], varying = uniform ? 0 : 1;
    auto to = reinterpret_cast<R*>(out);
    if (!alone_ || out_.size() != sizeof(R)) {
      return false;
    }
    if (type == mx::uint32 && alone_->past == kInside && easing_.inside[ease][varying]) {
      easing_.inside[ease][varying](reinterpret_cast<const uint32_t*>(step), n / kVector, *alone_, to);
      return true;
    }
    if (type == out_ && alone_->real == kRealNarrow && !exact_reals_) {
      easing_.reals[ease][varying](reinterpret_cast<const R*>(step), n / kVector, *alone_, to);
      return true;
    }
    return false;
  }

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
    int n = count * n_;
    if (b && mx::issubdtype(b->type, mx::floating)) {
      read(k, column, count, to.hi);
      read(rest, column, count, to.lo);
      return loops_.read_times(to, n, true);
    }
    read(k, column, count, to.whole);
    if (b && mx::issubdtype(b->type, mx::signedinteger)) { // what is negative has begun, or has ended
      auto whole = reinterpret_cast<int64_t*>(to.whole);
      std::transform(whole, whole + n, whole, [](int64_t t) { return std::max<int64_t>(t, 0); });
    }
    if (!b) {
      std::fill_n(to.fraction, n, 0);
      std::fill_n(to.hi, n, R(0));
      std::fill_n(to.lo, n, R(0));
    } else if (!block(rest)) {
      loops_.read_whole_times(to, n);
    } else {
      read(rest, column, count, to.fraction);
      loops_.read_times(to, n, false);
    }
  }

  Times<R> begin(int column) const { return times_.from(size_t(column) * n_); }
  Times<R> period() const { return begin(count_); }

  ColumnTile<R>& prepared(int column) {
    auto& slot = held_[column % kHeld];
    if (slot.column != column) {
      if (!slot.tile && column % kHeld < kFirst) {
        slot.tile = &first_[column % kHeld];
      } else if (!slot.tile) {
        slot.memory.reset(new ColumnTile<R>);
        slot.tile = slot.memory.get();
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
      easing_.prepare[columns_.eases[column]](tile, n_, begin(column), lead, length);
    }
    return *slot.tile;
  }

  // ---- Steps

  void read_steps(const char* data, mx::Dtype dtype, int n, const char* out) {
    auto type = step_type(dtype);
    single_ = true;
    if (type == Uint32 && whole(n) && data != out) { // else the output would replace them
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

  // Where 32 bits hold all steps of a tile, as `any` says, the loops are up to 16 times as fast.
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
      kind_ = loops_.fold_exact(positions_, n, from, by, uniform) ? kWordSteps : kExactSteps;
    } else {
      as_integers(loops_.fold_large(positions_, n, from, by, uniform));
    }
  }

  bool fractional(const Times<R>& t) const {
    return std::any_of(t.fraction, t.fraction + n_, [](uint64_t fraction) { return fraction != 0; });
  }

  void find_bounds(int n) { loops_.bounds[kind_](positions_, n, bounds_); }

  // ---- Values

  void blend_others(int first, int last, int n, bool uniform, R* values) {
    if (kind_ == kWordSteps) {
      loops_.words_to_exact(positions_, n);
    }
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

  // What steps that have not reached a column are worth there is of no account but in the first.
  Way way(int column) {
    auto& tile = prepared(column);
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
    auto& tile = *held_[column % kHeld].tile;
    auto ease = columns_.eases[column];
    int vectors = (n + kVector - 1) / kVector, varying = uniform ? 0 : 1;
    if (chosen == kInside && easing_.inside[ease][varying]) {
      return easing_.inside[ease][varying](positions_.small, vectors, tile, values);
    }
    provide(chosen, n);
    counting_.count[easing_.counts[ease]][chosen][varying](positions_, vectors, tile, counted_);
    easing_.values[ease][chosen < kWide32 ? 0 : 1][varying](counted_, vectors, tile, values);
  }

  // Steps as a way takes them.
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

  static constexpr int kHeld = 8;   // columns kept prepared: 40 KiB each
  static constexpr int kOthers = 3; // period, lead and length, which lie behind the begins

  // Of which so many lie in the evaluator, and so on the stack: what a call gets from the heap may go back to the
  // system after it, and come as new pages, which took 64 groups of one step from 12 us to 19.
  static constexpr int kFirst = 2;

  struct Slot {
    int column = -1;
    ColumnTile<R>* tile = nullptr;
    std::unique_ptr<ColumnTile<R>> memory;
  };

  const Columns& columns_;
  int count_;
  bool exact_reals_;
  mx::Dtype out_;
  const PositionKernels<R>& loops_;
  const CountKernels<R>& counting_;
  const EaseKernels<R>& easing_;
  std::vector<Block> blocks_;
  int n_ = 0; // entries of the hyperparameters
  TimeMemory<R> times_;
  Reaches<R> reaches_;
  std::array<Slot, kHeld> held_;
  ColumnTile<R> first_[kFirst];
  const ColumnTile<R>* alone_ = nullptr; // the only column, from step 0 on
  Kind kind_ = kSmallSteps;
  bool single_ = true; // real steps are single numbers
  Bounds<R> bounds_{};
  Positions<R> positions_;
  Counted<R> counted_;
  R values_[kTile], others_[kTile];
  int at_[kTile];
  uint64_t steps_[kTile];
};

} // namespace mlx_schedules::cpu
