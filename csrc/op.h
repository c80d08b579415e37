#pragma once

#include <memory>
#include <span>
#include <stdexcept>
#include <string>

#include "ease/list.h"
#include "mlx/mlx.h"
#include "mlx/primitives.h"
#include "operands.h"

namespace mlx_schedules {

namespace mx = mlx::core;

struct NotReal : std::runtime_error { // a TypeError in Python
  using std::runtime_error::runtime_error;
};

extern const char* const kOperandNames[kOperands];
extern const char* const kEaseNames[kEases];

// What a schedule is, but for its numbers: the ease of each column, which operands it has, in the order of the inputs,
// and the column from which it repeats (-1: it does not).
struct Columns {
  std::vector<EaseCode> eases;
  std::vector<Operand> operands; // kStep first
  int repeat = -1;

  bool operator==(const Columns&) const = default;

  int input(Operand k) const; // its place among the inputs, -1 where it is left out
  // One cosine from step 0 on: what has kernels of its own.
  bool plain_cosine() const;
};

// The numbers of a schedule, made once and handed over at each call.
struct Segments {
  std::shared_ptr<const Columns> columns;
  std::vector<mx::array> operands; // but for the step; in the dtypes that the primitive takes
};

Segments make_segments(const std::vector<std::string>& eases,
                       const std::vector<std::pair<std::string, mx::array>>& operands,
                       int repeat);

// The op. Broadcasts as NumPy does, behind the operands' axis of columns; see python/mlx_schedules/fast.py.
mx::array evaluate(const mx::array& step, const Segments& segments, mx::StreamOrDevice s = {});

// One cosine of numbers of the moment.
mx::array cosine_decay(const mx::array& step,
                       const mx::array& init,
                       const mx::array& decay_steps,
                       const mx::array& end,
                       mx::StreamOrDevice s = {});

// As end + weight * (init - end) promotes, the weight having the step's float type: the one place that decides.
mx::Dtype result_dtype(mx::Dtype step, std::span<const mx::Dtype> values);

// The same value as a graph of MLX's own ops, to float rounding: what can be exported and is differentiated. Inputs as
// the primitive has them.
mx::array graph(const std::vector<mx::array>& inputs, const Columns& columns, mx::Stream s);

// While true, on this thread, the ops return that graph.
bool& exporting();

// Inputs: step (any real dtype); from and to (the output's dtype); begin, length, lead and period (uint32, int32,
// uint64, int64, float32, or float64 where the output is); shape and the rests (float32, or float64 likewise). All but
// the step have the columns for their first axis, where there are several.
class Schedule : public mx::Primitive {
 public:
  Schedule(mx::Stream stream, std::shared_ptr<const Columns> columns)
      : mx::Primitive(stream), columns_(std::move(columns)) {}

  void eval_cpu(const std::vector<mx::array>& inputs, std::vector<mx::array>& outputs) override;
  void eval_gpu(const std::vector<mx::array>& inputs, std::vector<mx::array>& outputs) override;

  std::vector<mx::array> jvp(const std::vector<mx::array>& primals,
                             const std::vector<mx::array>& tangents,
                             const std::vector<int>& argnums) override;
  std::vector<mx::array> vjp(const std::vector<mx::array>& primals,
                             const std::vector<mx::array>& cotangents,
                             const std::vector<int>& argnums,
                             const std::vector<mx::array>& outputs) override;
  std::pair<std::vector<mx::array>, std::vector<int>> vmap(const std::vector<mx::array>& inputs,
                                                           const std::vector<int>& axes) override;

  std::vector<mx::Shape> output_shapes(const std::vector<mx::array>& inputs) override;
  bool is_equivalent(const mx::Primitive& other) const override;
  const char* name() const override;

 private:
  using Function = std::function<std::vector<mx::array>(const std::vector<mx::array>&)>;

  Function graph_of(const std::vector<mx::array>& primals, const std::vector<int>& argnums);
  mx::array make(std::vector<mx::array> inputs); // the op on inputs that are in the primitive's dtypes

  std::shared_ptr<const Columns> columns_; // shared with the schedule's other calls
};

} // namespace mlx_schedules
