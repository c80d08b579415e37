#include "op.h"

#include <sstream>

namespace mlx_schedules {

namespace {

const char* const kNames[kOperands] = {"step", "init", "decay_steps", "end"};

bool is_float(mx::Dtype t) {
  return mx::issubdtype(t, mx::floating);
}

mx::Shape broadcast_shape(const std::vector<mx::array>& operands) {
  mx::Shape shape;
  for (auto& a : operands) {
    if (a.ndim() > shape.size()) {
      shape.insert(shape.begin(), a.ndim() - shape.size(), 1);
    }
    for (size_t i = 0; i < a.ndim(); i++) {
      int n = a.shape(i);
      int& m = shape[shape.size() - a.ndim() + i];
      if (m == 1) {
        m = n;
      } else if (n != 1 && n != m) {
        std::ostringstream message;
        message << "[cosine_decay] Shapes do not broadcast:";
        for (size_t k = 0; k < operands.size(); k++) {
          message << (k ? ", " : " ") << kNames[k] << " " << operands[k].shape();
        }
        throw std::invalid_argument(message.str());
      }
    }
  }
  return shape;
}

// The few dtypes the kernels read decay_steps in.
mx::Dtype time_type(mx::Dtype t, mx::Dtype out) {
  if (is_float(t)) {
    return t == mx::float64 && out == mx::float64 ? mx::float64 : mx::float32;
  }
  if (mx::issubdtype(t, mx::signedinteger)) {
    return t.size() <= 4 ? mx::int32 : mx::int64;
  }
  return t.size() <= 4 ? mx::uint32 : mx::uint64;
}

} // namespace

bool& exporting() {
  static thread_local bool on = false;
  return on;
}

mx::array cosine_decay(const mx::array& step,
                       const mx::array& init,
                       const mx::array& decay_steps,
                       const mx::array& end,
                       mx::StreamOrDevice s /* = {} */) {
  auto stream = mx::to_stream(s);
  // As end + weight * (init - end) promotes, the weight having the step's float type.
  auto weight = is_float(step.dtype()) ? step.dtype() : mx::float32;
  auto out = mx::promote_types(weight, mx::promote_types(init.dtype(), end.dtype()));
  if (!is_float(out)) {
    throw std::invalid_argument("[cosine_decay] Operands must be real.");
  }
  if (out == mx::float64 && stream.device != mx::Device::cpu) {
    throw std::invalid_argument("[cosine_decay] float64 is computed on the CPU only: pass stream=mx.cpu.");
  }
  auto cast = [&](const mx::array& a, mx::Dtype t) { return a.dtype() == t ? a : mx::astype(a, t, stream); };
  std::vector<mx::array> inputs = {is_float(step.dtype()) ? cast(step, out) : step,
                                   cast(init, out),
                                   cast(decay_steps, time_type(decay_steps.dtype(), out)),
                                   cast(end, out)};
  auto shape = broadcast_shape(inputs);
  if (exporting()) {
    return cosine_decay_graph(inputs[0], inputs[1], inputs[2], inputs[3], stream);
  }
  return mx::array(std::move(shape), out, std::make_shared<CosineDecay>(stream), std::move(inputs));
}

std::vector<mx::Shape> CosineDecay::output_shapes(const std::vector<mx::array>& inputs) {
  return {broadcast_shape(inputs)};
}

bool CosineDecay::is_equivalent(const mx::Primitive&) const {
  return true; // MLX asks this of primitives of one type and stream
}

const char* CosineDecay::name() const {
  return "CosineDecay";
}

} // namespace mlx_schedules
