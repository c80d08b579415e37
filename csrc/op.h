#pragma once

#include <memory>
#include <span>
#include <stdexcept>
#include <string>

#include "ease/list.h"
#include "mlx/mlx.h"
#include "mlx/primitives.h"
#include "operands.h"
#include "pack.h"

namespace mlx_schedules {

namespace mx = mlx::core;

struct NotReal : std::runtime_error { // becomes a TypeError in Python
  using std::runtime_error::runtime_error;
};

extern const char* const kOperandNames[kOperands];
extern const char* const kEaseNames[kEases];

// What a schedule is besides its numbers: the ease of each column, the operands that it has, in the order of the
// inputs, and the column from which it repeats, or -1.
struct Columns {
  std::vector<EaseCode> eases;
  std::vector<Operand> operands; // kStep first
  int repeat = -1;
  std::optional<Packed> packed = {}; // the schedule's own numbers; the inputs of a call may be these or others

  bool operator==(const Columns& other) const; // of everything but the numbers

  int input(Operand k) const; // the operand's place among the inputs, or -1 if it is left out
  // Whether this is one cosine from step 0 on, which has kernels of its own on Metal.
  bool plain_cosine() const;
};

// The numbers of a schedule, made once and passed to every call.
struct Segments {
  std::shared_ptr<const Columns> columns;
  std::vector<mx::array> operands; // all but the step
};

Segments make_segments(const std::vector<std::string>& eases,
                       const std::vector<std::pair<std::string, mx::array>>& operands,
                       int repeat);

// The op. Its arguments broadcast as in NumPy, except for the operands' first axis, that of the columns; see
// python/mlx_schedules/fast.py.
mx::array evaluate(const mx::array& step, const Segments& segments, mx::StreamOrDevice s = {});

// The op for one cosine, without Segments.
mx::array cosine_decay(const mx::array& step,
                       const mx::array& init,
                       const mx::array& decay_steps,
                       const mx::array& end,
                       mx::StreamOrDevice s = {});

// The dtype that end + weight * (init - end) has, where the weight has the step's float dtype. Decided only here.
mx::Dtype result_dtype(mx::Dtype step, std::span<const mx::Dtype> values);

// The same value, up to float rounding, as a graph of MLX's own ops, which can be exported and differentiated. It takes
// the primitive's inputs.
mx::array graph(const std::vector<mx::array>& inputs, const Columns& columns, mx::Stream s);

// Whether the ops return that graph on this thread.
bool& exporting();

// The primitive. The dtypes of its inputs are
//   step                           any real dtype
//   init, end                      the output's
//   length, begin, lead, period    uint32, int32, uint64, int64, float32, or float64 if the output is
//   parameter, the rests           float32, or float64 if the output is; the rest of an integer is uint64
// If there are several columns, they are the first axis of all inputs but the step and the period.
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
  mx::array make(std::vector<mx::array> inputs); // the op on inputs of the primitive's dtypes

  std::shared_ptr<const Columns> columns_; // shared by all calls of the schedule
};

} // namespace mlx_schedules
