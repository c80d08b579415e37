#pragma once

#include "mlx/mlx.h"
#include "mlx/primitives.h"

namespace mlx_schedules {

namespace mx = mlx::core;

#include "operands.h"

// The op. Broadcasts its four operands as NumPy does; see python/mlx_schedules/fast.py for the contract.
mx::array cosine_decay(const mx::array& step,
                       const mx::array& init,
                       const mx::array& decay_steps,
                       const mx::array& end,
                       mx::StreamOrDevice s = {});

// The same value as a graph of MLX's own ops, to float rounding: what can be exported, and what `step` and
// `decay_steps` are differentiated through.
mx::array cosine_decay_graph(
    const mx::array& step, const mx::array& init, const mx::array& decay_steps, const mx::array& end, mx::Stream s);

// While true, on this thread, cosine_decay returns cosine_decay_graph.
bool& exporting();

// Inputs: step (any real dtype), init and end (the output's dtype), decay_steps (uint32, int32, uint64, int64,
// float32, or float64 where the output is float64). It has no state: equal inputs give equal outputs.
class CosineDecay : public mx::Primitive {
 public:
  using mx::Primitive::Primitive;

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
};

} // namespace mlx_schedules
