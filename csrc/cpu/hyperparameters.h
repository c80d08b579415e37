// The hyperparameters of a tile's columns, read in place and prepared when they are needed.
#pragma once

#include <algorithm>
#include <array>

#include "cpu/block.h"
#include "cpu/isa.h"
#include "cpu/times.h"
#include "op.h"

namespace mlx_schedules::cpu {

template <typename R>
class Hyperparameters {
 public:
  explicit Hyperparameters(const Columns& columns)
      : columns_(columns),
        count_(columns.eases.size()),
        positions_(of_type<R>(isa().positions)),
        easing_(of_type<R>(isa().easing)) {}

  void set(const std::vector<Block>& blocks, int rows) { // `rows`: how many rows of steps share them
    blocks_ = blocks;
    n_ = blocks_[kInit - 1].size();
    total_ = n_ * rows;
    held_.fill(-1);
    times_.reserve(size_t(count_ + kOthers) * total_);
    if (rows == 1) {
      read(kBegin, kBeginRest, 0, count_, begin(0));
    }
    for (int k = 0; k < count_ && rows > 1; k++) {
      read(kBegin, kBeginRest, k, 1, begin(k));
      repeat_entries(begin(k), n_, total_);
    }
    if (columns_.repeat >= 0) {
      read(kPeriod, kPeriodRest, 0, 1, period());
      repeat_entries(period(), n_, total_);
    }
  }

  int entries() const { return n_; }
  Times<R> begin(int column) const { return times_.from(size_t(column) * total_); }
  Times<R> period() const { return begin(count_); }

  bool fractional(const Times<R>& t) const {
    return std::any_of(t.fraction, t.fraction + n_, [](uint64_t fraction) { return fraction != 0; });
  }

  ColumnTile<R>& prepared(int column) {
    int slot = column % kHeld;
    auto& tile = tiles_[slot];
    if (held_[slot] != column) {
      held_[slot] = column;
      read(kInit, column, 1, tile.init);
      read(kEnd, column, 1, tile.end);
      read(kParameter, column, 1, tile.parameter_hi);
      read(kParameterRest, column, 1, tile.parameter_lo);
      auto lead = begin(count_ + 1), length = begin(count_ + 2);
      read(kLead, kLeadRest, column, 1, lead);
      read(kLength, kLengthRest, column, 1, length);
      easing_.prepare[columns_.eases[column]](tile, n_, begin(column), lead, length);
      repeat_entries(tile, n_, total_);
    }
    return tile;
  }

 private:
  const Block* block(Operand k) const {
    int input = columns_.input(k);
    return input < 0 ? nullptr : &blocks_[input - 1];
  }

  // Reads an operand of `count` columns, or zeros if it is left out.
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
      return positions_.read_times(to, n, true);
    }
    read(k, column, count, to.whole);
    if (b && mx::issubdtype(b->type, mx::signedinteger)) { // a negative begin or length counts as 0
      auto whole = reinterpret_cast<int64_t*>(to.whole);
      std::transform(whole, whole + n, whole, [](int64_t t) { return std::max<int64_t>(t, 0); });
    }
    if (!b) {
      std::fill_n(to.fraction, n, 0);
      std::fill_n(to.hi, n, R(0));
      std::fill_n(to.lo, n, R(0));
    } else if (!block(rest)) {
      positions_.read_whole_times(to, n);
    } else {
      read(rest, column, count, to.fraction);
      positions_.read_times(to, n, false);
    }
  }

  static constexpr int kHeld = 8;   // columns that are kept prepared, of 48 KiB each, in double 71
  static constexpr int kOthers = 3; // period, lead and length, which are stored after the begins

  const Columns& columns_;
  int count_;
  const PositionKernels<R>& positions_;
  const EaseKernels<R>& easing_;
  std::vector<Block> blocks_;
  int n_ = 0, total_ = 0; // entries, and entries with their copies for further rows
  TimeMemory<R> times_;
  std::array<int, kHeld> held_; // the column in each of the tiles, or -1
  ColumnTile<R> tiles_[kHeld];
};

} // namespace mlx_schedules::cpu
