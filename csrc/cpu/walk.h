// Walking inputs of any strides in tiles, for an evaluator that keeps hyperparameters prepared.
#pragma once

#include <algorithm>

#include "cpu/block.h"
#include "cpu/fetch.h"
#include "cpu/kernels.h"
#include "plan.h"

namespace mlx_schedules::cpu {

struct Data { // an input's
  const char* data;
  mx::Dtype type;
  int64_t column_stride;

  const char* at(int64_t offset) const { return data + offset * type.size(); }
};

// The two innermost axes, in tiles of at most kTile elements. Hyperparameters that do not change from row to row are
// prepared once for all rows.
struct Tiling {
  const Axes& axes;
  size_t rank = axes.shape.size(), outer_axes = rank < 2 ? 0 : rank - 2;
  int64_t height = rank < 2 ? 1 : axes.shape[rank - 2], width = axes.shape[rank - 1];
  bool same_rows, uniform; // of hyperparameters; uniform: one entry serves a whole row (or all)
  int64_t tile_height, tile_width;

  Tiling(const Axes& axes, size_t inputs) : axes(axes) {
    same_rows = all(inputs, [&](size_t k) { return row_stride(k) == 0; });
    // Below 64 in a row a tile over several rows is faster.
    uniform = all(inputs, [&](size_t k) { return step_stride(k) == 0; }) && (same_rows || width >= 64);
    tile_width = std::min<int64_t>(width, kTile);
    int64_t most = kTile / tile_width;
    if (most > kVector) { // whole vectors: 5 steps left over of 85 rows of 3 groups were a third of the time
      most -= most % kVector;
    }
    tile_height = uniform && !same_rows ? 1 : std::min(height, most);
  }

  int64_t row_stride(size_t k) const { return rank < 2 ? 0 : axes.stride(k, rank - 2); }
  int64_t step_stride(size_t k) const { return axes.stride(k, rank - 1); }

  template <typename F>
  static bool all(size_t inputs, F f) { // hyperparameters
    size_t k = 1;
    while (k < inputs && f(k)) {
      k++;
    }
    return k == inputs;
  }

  int64_t outer() const { // entries of the outer axes
    int64_t n = 1;
    for (size_t i = 0; i < outer_axes; i++) {
      n *= axes.shape[i];
    }
    return n;
  }

  void find(int64_t entry, std::vector<int64_t>& base) const { // where it begins in each input
    std::fill(base.begin(), base.end(), 0);
    for (size_t i = outer_axes; i-- > 0; entry /= axes.shape[i]) {
      for (size_t k = 0; k < base.size(); k++) {
        base[k] += entry % axes.shape[i] * axes.stride(k, i);
      }
    }
  }
};

// Prepares the inputs' blocks, unless those held are the same.
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

// Evaluator: prepare(blocks, rows), of hyperparameters that so many rows of steps meet alike; run(step block, out,
// uniform), of a tile; and for contiguous steps run_at_once(step block, out), of whole vectors up to
// most_at_once(), false where it has no way to.
template <typename Evaluator>
void walk(const Axes& axes, const std::vector<Data>& inputs, Evaluator& evaluator, char* out, size_t out_size) {
  Tiling t(axes, inputs.size());
  std::vector<int64_t> base(inputs.size());
  std::vector<Block> held; // what the evaluator holds prepared
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
        if (!t.same_rows || r == 0) { // else the first tile, the tallest, prepared for the others below it
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

// One value of each hyperparameter, contiguous steps.
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
        fetch(out + (i + kAhead) * out_size, kTile * out_size);
      }
      evaluator.run(block(i, std::min<size_t>(kTile, end - i)), out + i * out_size, true);
    }
  }
}

} // namespace mlx_schedules::cpu
