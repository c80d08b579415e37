// Walks through inputs of any strides in tiles, for an evaluator that keeps hyperparameters prepared.
#pragma once

#include <algorithm>

#include "cpu/block.h"
#include "cpu/fetch.h"
#include "cpu/kernels.h"
#include "plan.h"

namespace mlx_schedules::cpu {

struct Data { // where an input is
  const char* data;
  mx::Dtype type;
  int64_t column_stride;

  const char* at(int64_t offset) const { return data + offset * type.size(); }
};

// Divides the two innermost axes into tiles of at most kTile elements. Hyperparameters that don't change from row to
// row are prepared once for all rows.
struct Tiling {
  const Axes& axes;
  size_t rank = axes.shape.size(), outer_axes = rank < 2 ? 0 : rank - 2;
  int64_t height = rank < 2 ? 1 : axes.shape[rank - 2], width = axes.shape[rank - 1];
  bool same_rows, uniform; // whether all rows have the same hyperparameters; whether a row (or all) has only one entry
  int64_t tile_height, tile_width;

  Tiling(const Axes& axes, size_t inputs) : axes(axes) {
    same_rows = all(inputs, [&](size_t k) { return row_stride(k) == 0; });
    // For rows of fewer than 64 steps, a tile of several rows is faster.
    uniform = all(inputs, [&](size_t k) { return step_stride(k) == 0; }) && (same_rows || width >= 64);
    tile_width = std::min<int64_t>(width, kTile);
    int64_t most = kTile / tile_width;
    if (most > kVector) { // whole vectors only: of 85 rows of 3 groups, the last 5 took a third of the time
      most -= most % kVector;
    }
    tile_height = uniform && !same_rows ? 1 : std::min(height, most);
  }

  int64_t row_stride(size_t k) const { return rank < 2 ? 0 : axes.stride(k, rank - 2); }
  int64_t step_stride(size_t k) const { return axes.stride(k, rank - 1); }

  template <typename F>
  static bool all(size_t inputs, F f) { // whether f holds for all hyperparameters
    size_t k = 1;
    while (k < inputs && f(k)) {
      k++;
    }
    return k == inputs;
  }

  int64_t outer() const { // the number of entries of the outer axes
    int64_t n = 1;
    for (size_t i = 0; i < outer_axes; i++) {
      n *= axes.shape[i];
    }
    return n;
  }

  void find(int64_t entry, std::vector<int64_t>& base) const { // where the entry begins in each input
    std::fill(base.begin(), base.end(), 0);
    for (size_t i = outer_axes; i-- > 0; entry /= axes.shape[i]) {
      for (size_t k = 0; k < base.size(); k++) {
        base[k] += entry % axes.shape[i] * axes.stride(k, i);
      }
    }
  }
};

// Prepares the blocks of the hyperparameters, unless the evaluator holds the same ones.
template <typename Evaluator, typename F>
void prepare(Evaluator& evaluator, std::vector<Block>& held, size_t inputs, bool may_hold, int rows, F block) {
  bool same = may_hold && held.size() == inputs - 1;
  held.resize(inputs - 1, block(1));
  for (size_t k = 1; k < inputs; k++) {
    auto wanted = block(k);
    same = same && held[k - 1].data == wanted.data;
    held[k - 1] = wanted;
  }
  if (!same) {
    evaluator.prepare(held, rows);
  }
}

// An Evaluator has
//   prepare(blocks, rows)       takes the hyperparameters, which `rows` rows of steps share
//   run(steps, out, uniform)    evaluates a tile
//   run_at_once(steps, out)     evaluates whole vectors of contiguous steps, at most most_at_once(); or returns false
template <typename Evaluator>
void walk(const Axes& axes, const std::vector<Data>& inputs, Evaluator& evaluator, char* out, size_t out_size) {
  Tiling t(axes, inputs.size());
  std::vector<int64_t> base(inputs.size());
  std::vector<Block> held; // what the evaluator has prepared
  for (int64_t o = 0, outer = t.outer(); o < outer; o++) {
    t.find(o, base);
    for (int64_t c = 0; c < t.width; c += t.tile_width) {
      int width = std::min(t.tile_width, t.width - c);
      for (int64_t r = 0; r < t.height; r += t.tile_height) {
        int height = std::min(t.tile_height, t.height - r);
        auto block = [&](size_t k, int h, int w) {
          int64_t row_stride = t.row_stride(k), step_stride = t.step_stride(k);
          auto data = inputs[k].at(base[k] + r * row_stride + c * step_stride);
          return Block{data, inputs[k].type, row_stride, step_stride, h, w, inputs[k].column_stride};
        };
        if (!t.same_rows || r == 0) { // otherwise the first tile, the tallest, has prepared for those below
          bool one_row = t.uniform || t.same_rows;
          prepare(evaluator, held, inputs.size(), t.same_rows, one_row && !t.uniform ? height : 1, [&](size_t k) {
            return block(k, one_row ? 1 : height, t.uniform ? 1 : width);
          });
        }
        evaluator.run(block(kStep, height, width), out + ((o * t.height + r) * t.width + c) * out_size, t.uniform);
      }
    }
  }
}

// One value of each hyperparameter, and contiguous steps.
template <typename Evaluator>
void walk_contiguous(const std::vector<Data>& inputs, Evaluator& evaluator, size_t n, char* out, size_t out_size) {
  auto& steps = inputs[kStep];
  std::vector<Block> blocks;
  for (size_t k = 1; k < inputs.size(); k++) {
    blocks.push_back({inputs[k].data, inputs[k].type, 0, 0, 1, 1, inputs[k].column_stride});
  }
  evaluator.prepare(blocks, 1);
  auto block = [&](size_t i, size_t count) { return Block{steps.at(i), steps.type, 0, 1, 1, int(count), 0}; };
  for (size_t run = 0, end; run < n; run = end) {
    end = std::min(run + evaluator.most_at_once(), n);
    size_t vectors = run + (end - run) / kVector * kVector;
    if (vectors > run && evaluator.run_at_once(block(run, vectors - run), out + run * out_size)) {
      end = vectors;
      continue;
    }
    for (size_t i = run; i < end; i += kTile) {
      if (n - i > kAhead + kTile) {
        fetch(steps.at(i + kAhead), kTile * steps.type.size());
      }
      evaluator.run(block(i, std::min<size_t>(kTile, end - i)), out + i * out_size, true);
    }
  }
}

} // namespace mlx_schedules::cpu
