// Runs of steps against one cosine's hyperparameters, by loops for every type of steps.
#pragma once

#include <algorithm>
#include <type_traits>

#include "cpu/block.h"
#include "cpu/isa.h"
#include "operands.h"

namespace mlx_schedules::cpu {

inline StepType step_type(mx::Dtype t) {
  using Val = mx::Dtype::Val;
  switch (t.val()) {
    case Val::bool_:
    case Val::uint8:
      return Uint8;
    case Val::uint16:
      return Uint16;
    case Val::uint32:
      return Uint32;
    case Val::uint64:
      return Uint64;
    case Val::int8:
      return Int8;
    case Val::int16:
      return Int16;
    case Val::int32:
      return Int32;
    case Val::int64:
      return Int64;
    case Val::float16:
      return Half;
    case Val::bfloat16:
      return Bfloat;
    case Val::float32:
      return Real32;
    default:
      return Real64;
  }
}

// Evaluates runs of steps against hyperparameters that it keeps prepared. R: the type that is computed in.
template <typename R>
class CosineEvaluator {
 public:
  explicit CosineEvaluator(mx::Dtype step) : type_(step) {
    if constexpr (std::is_same_v<R, double>) { // three loops serve all step types
      bool real = mx::issubdtype(step, mx::floating);
      type_ = real ? mx::float64 : (mx::issubdtype(step, mx::signedinteger) ? mx::int64 : mx::uint64);
    }
  }

  void prepare(const std::vector<Block>& hyperparameters) {
    auto &init = hyperparameters[kInit - 1], &length = hyperparameters[kLength - 1], &end = hyperparameters[kEnd - 1];
    int n = init.rows * init.columns;
    bool real = mx::issubdtype(length.type, mx::floating);
    gather(init, tile_.init);
    gather(end, tile_.end);
    if (real) {
      gather(length, tile_.length_hi);
    } else if (mx::issubdtype(length.type, mx::signedinteger)) {
      auto whole = reinterpret_cast<int64_t*>(tile_.whole);
      gather(length, whole);
      std::transform(whole, whole + n, whole, [](int64_t t) { return std::max<int64_t>(t, 0); });
    } else {
      gather(length, tile_.whole);
    }
    if constexpr (std::is_same_v<R, double>) {
      isa().prepare64(tile_, n, real);
    } else {
      isa().prepare32(tile_, n, real);
    }
  }

  // `uniform`: every step meets the tile's first entry. In place where out is the steps' own memory.
  void run(const Block& step, char* out, bool uniform) {
    bool contiguous = (step.column == 1 || step.columns == 1) && (step.row == step.columns || step.rows == 1);
    if (contiguous && step.type == type_) {
      return loop(step.data, out, size_t(step.rows) * step.columns, uniform);
    }
    if (step.type == type_) {
      gather_bytes(step, steps_);
    } else if (type_ == mx::float64) {
      gather(step, reinterpret_cast<double*>(steps_));
    } else {
      gather(step, reinterpret_cast<int64_t*>(steps_));
    }
    loop(steps_, out, size_t(step.rows) * step.columns, uniform);
  }

  void loop(const void* step, char* out, size_t n, bool uniform) {
    StepType t = step_type(type_);
    if constexpr (std::is_same_v<R, double>) {
      (uniform ? isa().uniform64 : isa().varying64)[t](step, out, n, tile_);
    } else {
      (uniform ? isa().uniform32 : isa().varying32)[t](step, out, n, tile_);
    }
  }

  bool takes(mx::Dtype step) const { return step == type_; }
  bool run_at_once(const Block&, char*) { return false; } // what it takes, it takes whole

 private:
  mx::Dtype type_;
  Tile<R> tile_;
  uint64_t steps_[kTile];
};

} // namespace mlx_schedules::cpu
