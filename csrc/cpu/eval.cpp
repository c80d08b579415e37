// The CPU backend. Operands are read where they lie; what is copied are tiles of at most kTile elements, and those only
// where steps or hyperparameters are not contiguous already.

#include <algorithm>

#include "cpu/evaluator.h"
#include "cpu/pages.h"
#include "cpu/parallel.h"
#include "mlx/backend/cpu/encoder.h"
#include "op.h"
#include "plan.h"

namespace mlx_schedules {

namespace {

using namespace cpu;

struct Data { // an operand's
  const char* data;
  mx::Dtype type;

  const char* at(int64_t offset) const { return data + offset * type.size(); }
};

// What one thread does at least: 150 us of work, against some 50 for starting it.
constexpr size_t kGrain = size_t(1) << 18;

// Any strides, into a contiguous output. The two innermost axes are walked in tiles; hyperparameters that do not change
// from row to row are prepared once for all rows.
template <typename R>
void evaluate_strided(const Axes& axes, const std::vector<Data>& operands, char* out, size_t out_size) {
  auto& sizes = axes.shape;
  size_t rank = sizes.size(), outer_axes = rank < 2 ? 0 : rank - 2;
  int64_t rows = rank < 2 ? 1 : sizes[rank - 2], columns = sizes[rank - 1];
  auto row = [&](int k) { return rank < 2 ? 0 : axes.stride(k, rank - 2); };
  auto column = [&](int k) { return axes.stride(k, rank - 1); };
  bool fixed_rows = row(1) == 0 && row(2) == 0 && row(3) == 0;
  // One entry serves a whole row (or all); below 64 columns a tile over several rows is faster.
  bool uniform = column(1) == 0 && column(2) == 0 && column(3) == 0 && (fixed_rows || columns >= 64);

  int64_t tile_columns = std::min<int64_t>(columns, kTile);
  int64_t most_rows = kTile / tile_columns;
  if (most_rows > kVector) { // whole vectors: 5 steps left over of 85 rows of 3 groups were a third of the time
    most_rows -= most_rows % kVector;
  }
  int64_t tile_rows = uniform && !fixed_rows ? 1 : std::min(rows, most_rows);
  int64_t outer = 1;
  for (size_t i = 0; i < outer_axes; i++) {
    outer *= sizes[i];
  }

  Evaluator<R> evaluator(operands[0].type);
  struct { // what the evaluator holds prepared
    const char *init = nullptr, *time = nullptr, *end = nullptr;
  } held;
  std::vector<int64_t> index(outer_axes, 0);
  for (int64_t o = 0; o < outer; o++) {
    int64_t base[4] = {0, 0, 0, 0};
    for (size_t i = 0; i < outer_axes; i++) {
      for (int k = 0; k < 4; k++) {
        base[k] += index[i] * axes.stride(k, i);
      }
    }
    for (int64_t c = 0; c < columns; c += tile_columns) {
      int width = std::min(tile_columns, columns - c);
      for (int64_t r = 0; r < rows; r += tile_rows) {
        int height = std::min(tile_rows, rows - r);
        auto block = [&](int k, int h, int w) {
          auto& a = operands[k];
          return Block{a.at(base[k] + r * row(k) + c * column(k)), a.type, row(k), column(k), h, w};
        };
        int h = uniform ? 1 : height, w = uniform ? 1 : width;
        auto init = block(1, h, w), time = block(2, h, w), end = block(3, h, w);
        // The first tile of a column of tiles is the tallest, so what it prepared serves the others.
        bool reuse = fixed_rows && held.init == init.data && held.time == time.data && held.end == end.data;
        if (!reuse) {
          evaluator.prepare(init, time, end);
          held = {init.data, time.data, end.data};
        }
        evaluator.run(block(0, height, width), out + ((o * rows + r) * columns + c) * out_size, uniform);
      }
    }
    for (int i = static_cast<int>(outer_axes) - 1; i >= 0 && ++index[i] == sizes[i]; i--) {
      index[i] = 0;
    }
  }
}

// One value of each hyperparameter, steps without gaps.
template <typename R>
void evaluate_dense(const std::vector<Data>& operands, size_t n, char* out, size_t out_size) {
  Evaluator<R> evaluator(operands[0].type);
  auto one = [&](int k) { return Block{operands[k].data, operands[k].type, 0, 0, 1, 1}; };
  evaluator.prepare(one(1), one(2), one(3));
  if (evaluator.takes(operands[0].type)) {
    return evaluator.loop(operands[0].data, out, n, true);
  }
  for (size_t i = 0; i < n; i += kTile) {
    int width = std::min<size_t>(kTile, n - i);
    evaluator.run({operands[0].at(i), operands[0].type, 0, 1, 1, width}, out + i * out_size, true);
  }
}

// The pieces of the work from `begin` to `end`.
template <typename R>
void evaluate(const Plan& plan, std::vector<Data> operands, size_t begin, size_t end, char* out, size_t out_size) {
  if (plan.dense) {
    operands[kStep].data = operands[kStep].at(begin);
    return evaluate_dense<R>(operands, end - begin, out, out_size);
  }
  auto part = plan.axes;
  part.shape[0] = end - begin;
  for (size_t k = 0; k < operands.size(); k++) {
    operands[k].data = operands[k].at(begin * part.stride(k, 0));
  }
  evaluate_strided<R>(part, operands, out, out_size);
}

} // namespace

void CosineDecay::eval_cpu(const std::vector<mx::array>& inputs, std::vector<mx::array>& outputs) {
  auto& out = outputs[0];
  auto plan = make_plan(inputs, out);
  give_memory(plan, inputs, out);
  if (out.size() == 0) {
    return;
  }
  if (!plan.donated) {
    advise_huge_pages(out.data<char>(), out.data_size() * out.itemsize());
  }

  auto& encoder = mx::cpu::get_command_encoder(stream());
  for (auto& a : inputs) {
    encoder.set_input_array(a);
  }
  encoder.set_output_array(out);

  std::vector<Data> operands;
  for (auto& a : inputs) {
    operands.push_back({a.data<char>(), a.dtype()});
  }
  auto run = out.dtype() == mx::float64 ? evaluate<double> : evaluate<float>;
  encoder.dispatch([operands = std::move(operands), plan, run, to = out.data<char>(), size = out.itemsize()] {
    // A thread's piece: entries of the outermost axis, or where steps are dense, steps.
    size_t pieces = plan.dense ? plan.count : plan.axes.shape[0], piece = plan.dense ? 1 : plan.entry();
    in_parallel(pieces, std::max<size_t>(kGrain / piece, 1), [&](size_t begin, size_t end) {
      run(plan, operands, begin, end, to + begin * piece * size, size);
    });
  });
}

} // namespace mlx_schedules
