#include "op.h"

#include <algorithm>
#include <sstream>

#include "axes.h"
#include "pack.h"

namespace mlx_schedules {

namespace {

const char* const kCosineNames[] = {"step", "init", "decay_steps", "end"}; // what users call them

// How an error message begins.
std::string function_of(const Columns& columns) {
  return columns.plain_cosine() ? "[cosine_decay] " : "[schedule] ";
}

const char* name_of(const Columns& columns, Operand k) {
  return columns.plain_cosine() ? kCosineNames[k] : kOperandNames[k];
}

bool is_float(mx::Dtype t) {
  return mx::issubdtype(t, mx::floating);
}

[[noreturn]] void refuse_complex(const std::string& what) {
  throw NotReal(what + " must be real, got complex64.");
}

// The few dtypes in which kernels read numbers of steps.
mx::Dtype time_type(mx::Dtype t, mx::Dtype out) {
  if (is_float(t)) {
    return t == mx::float64 && out == mx::float64 ? mx::float64 : mx::float32;
  }
  if (mx::issubdtype(t, mx::signedinteger)) {
    return t.size() <= 4 ? mx::int32 : mx::int64;
  }
  return t.size() <= 4 ? mx::uint32 : mx::uint64;
}

mx::Dtype operand_type(Operand k, mx::Dtype given, mx::Dtype out) {
  switch (k) {
    case kInit:
    case kEnd:
      return out;
    case kLength:
    case kBegin:
    case kLead:
    case kPeriod:
      return time_type(given, out);
    case kParameter:
    case kParameterRest:
      return out == mx::float64 ? mx::float64 : mx::float32;
    default: // the rest of an integer is its fraction in 2^-64
      return given == mx::uint64 ? mx::uint64 : (out == mx::float64 ? mx::float64 : mx::float32);
  }
}

mx::Shape common_shape(const std::vector<mx::array>& inputs, const Columns& columns) {
  mx::Shape shape;
  for (size_t k = 0; k < inputs.size(); k++) {
    if (!broadcasts_into(shape, inputs[k].shape(), has_columns(columns, k, inputs[k].ndim()))) {
      std::ostringstream message;
      message << function_of(columns) << "Shapes do not broadcast:";
      for (size_t i = 0; i < inputs.size(); i++) {
        message << (i ? ", " : " ") << name_of(columns, columns.operands[i]) << " " << inputs[i].shape();
      }
      throw std::invalid_argument(message.str());
    }
  }
  return shape;
}

using Shared = std::shared_ptr<const Columns>;

mx::array make_array(std::vector<mx::array> inputs, const Shared& columns, mx::Stream s) {
  if (exporting()) {
    return graph(inputs, *columns, s);
  }
  auto out = inputs[kInit].dtype();
  auto shape = common_shape(inputs, *columns);
  return mx::array(std::move(shape), out, std::make_shared<Schedule>(s, columns), std::move(inputs));
}

// The op on operands of any dtype.
mx::array apply(std::vector<mx::array> inputs, const Shared& columns, mx::Stream s) {
  for (size_t i = 0; i < inputs.size(); i++) {
    if (inputs[i].dtype() == mx::complex64) {
      refuse_complex(function_of(*columns) + name_of(*columns, columns->operands[i]));
    }
  }
  mx::Dtype values[] = {inputs[kInit].dtype(), inputs[kEnd].dtype()};
  auto out = result_dtype(inputs[kStep].dtype(), values);
  if (out == mx::float64 && s.device != mx::Device::cpu) {
    throw std::invalid_argument(function_of(*columns) + "float64 is computed on the CPU only: pass stream=mx.cpu.");
  }
  for (size_t i = 0; i < inputs.size(); i++) {
    auto& a = inputs[i];
    bool integers = i == 0 && !is_float(a.dtype()); // integer steps are read as they are
    auto wanted = integers ? a.dtype() : (i == 0 ? out : operand_type(columns->operands[i], a.dtype(), out));
    if (a.dtype() != wanted) {
      a = mx::astype(a, wanted, s);
    }
  }
  return make_array(std::move(inputs), columns, s);
}

EaseCode ease_of(const std::string& name) {
  auto found = std::find(kEaseNames, kEaseNames + kEases, name);
  if (found == kEaseNames + kEases) {
    throw std::invalid_argument("[schedule] There is no ease '" + name + "'.");
  }
  return EaseCode(found - kEaseNames);
}

} // namespace

#define MLXS_EASE_NAME(type, name, ...) #name,
const char* const kEaseNames[kEases] = {MLXS_EASES(MLXS_EASE_NAME)};

const char* const kOperandNames[kOperands] = {"step",
                                              "init",
                                              "length",
                                              "end",
                                              "begin",
                                              "lead",
                                              "parameter",
                                              "period",
                                              "length_rest",
                                              "begin_rest",
                                              "lead_rest",
                                              "parameter_rest",
                                              "period_rest"};

int Columns::input(Operand k) const {
  auto found = std::find(operands.begin(), operands.end(), k);
  return found == operands.end() ? -1 : int(found - operands.begin());
}

bool Columns::operator==(const Columns& other) const {
  return eases == other.eases && operands == other.operands && repeat == other.repeat;
}

bool Columns::plain_cosine() const {
  return eases.size() == 1 && eases[0] == kCosine && operands.size() == kEnd + 1;
}

bool& exporting() {
  static thread_local bool on = false;
  return on;
}

mx::Dtype result_dtype(mx::Dtype step, std::span<const mx::Dtype> values) {
  if (step == mx::complex64) {
    refuse_complex("[schedule] step");
  }
  auto out = is_float(step) ? step : mx::float32;
  for (auto t : values) {
    if (t == mx::complex64) {
      refuse_complex("[schedule] A value");
    }
    out = mx::promote_types(out, t);
  }
  return out;
}

Segments make_segments(const std::vector<std::string>& eases,
                       const std::vector<std::pair<std::string, mx::array>>& operands,
                       int repeat) {
  Segments s;
  Columns columns;
  std::transform(eases.begin(), eases.end(), std::back_inserter(columns.eases), ease_of);
  columns.repeat = repeat;
  columns.operands.push_back(kStep);
  for (int k = kStep + 1; k < kOperands; k++) {
    auto given = std::find_if(operands.begin(), operands.end(), [&](auto& o) { return o.first == kOperandNames[k]; });
    if (given != operands.end()) {
      columns.operands.push_back(Operand(k));
      s.operands.push_back(given->second);
    } else if (k <= kEnd) {
      throw std::invalid_argument(std::string("[schedule] ") + kOperandNames[k] + " is missing.");
    }
  }
  if (s.operands.size() != operands.size()) {
    throw std::invalid_argument("[schedule] An operand has an unknown name.");
  }
  if (eases.empty() || repeat >= int(eases.size()) || (repeat >= 0) != (columns.input(kPeriod) > 0)) {
    throw std::invalid_argument("[schedule] There must be a column, and repeat must be one of them and have a period.");
  }
  columns.packed = pack(s.operands);
  s.columns = std::make_shared<const Columns>(std::move(columns));
  return s;
}

mx::array evaluate(const mx::array& step, const Segments& segments, mx::StreamOrDevice s) {
  std::vector<mx::array> inputs;
  inputs.reserve(segments.operands.size() + 1);
  inputs.push_back(step);
  inputs.insert(inputs.end(), segments.operands.begin(), segments.operands.end());
  return apply(std::move(inputs), segments.columns, mx::to_stream(s));
}

mx::array cosine_decay(const mx::array& step,
                       const mx::array& init,
                       const mx::array& decay_steps,
                       const mx::array& end,
                       mx::StreamOrDevice s /* = {} */) {
  static const auto columns = std::make_shared<const Columns>(Columns{{kCosine}, {kStep, kInit, kLength, kEnd}});
  std::vector<mx::array> inputs;
  inputs.reserve(kEnd + 1);
  for (auto* a : {&step, &init, &decay_steps, &end}) {
    inputs.push_back(*a);
  }
  return apply(std::move(inputs), columns, mx::to_stream(s));
}

mx::array Schedule::make(std::vector<mx::array> inputs) {
  return make_array(std::move(inputs), columns_, stream());
}

std::vector<mx::Shape> Schedule::output_shapes(const std::vector<mx::array>& inputs) {
  return {common_shape(inputs, *columns_)};
}

// MLX only compares primitives of the same type and stream.
bool Schedule::is_equivalent(const mx::Primitive& other) const {
  return *columns_ == *static_cast<const Schedule&>(other).columns_;
}

const char* Schedule::name() const {
  return "Schedule";
}

} // namespace mlx_schedules
