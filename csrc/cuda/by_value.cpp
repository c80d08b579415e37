// Prepares one segment on the host and passes its numbers to a kernel by value. The kernel then reads no number from
// memory, and its blocks wait for their steps only.

#include <algorithm>
#include <cstring>

#include "cuda/inputs.h"

namespace mlx_schedules::cuda {

namespace {

#include "cpu/prelude.h"
//
#include "cuda/numbers.h"
#include "eases.h"

using Bytes = const uint8_t*;

template <typename T>
T read(Bytes from) {
  T value;
  std::memcpy(&value, from, sizeof value);
  return value;
}

Time<float> read_time(Bytes from, TimeType type) { // negative numbers count as 0
  switch (type) {
    case kFloat32:
      return real_time(read<float>(from));
    case kInt32:
      return integer_time<float>(std::max(read<int32_t>(from), 0));
    case kInt64:
      return integer_time<float>(std::max<int64_t>(read<int64_t>(from), 0));
    case kUint32:
      return integer_time<float>(read<uint32_t>(from));
    default:
      return integer_time<float>(read<uint64_t>(from));
  }
}

template <typename E>
std::optional<Numbers> numbers(Time<float> length, float init, float end, int64_t steps) {
  static_assert(sizeof(Numbers) == 8 * sizeof(int64_t), "MLX passes up to 10 strides");
  if (E::counts == int(Count::Lengths)) { // these count with what Numbers lacks
    return std::nullopt;
  }
  return numbers_of(prepare<E>(length, init, end), steps);
}

using Preparer = std::optional<Numbers> (*)(Time<float>, float, float, int64_t);
#define MLXS_NUMBERS(type, ...) numbers<type>,
const Preparer kNumbers[kEases] = {MLXS_EASES(MLXS_NUMBERS)};

} // namespace

std::optional<Launch> by_value(const std::vector<mx::array>& inputs, const Columns& columns, int64_t steps) {
  auto& packed = columns.packed;
  auto known = [&](const mx::array& a) { return a.data_shared_ptr() == packed->memory.data_shared_ptr(); };
  if (!packed || inputs[kInit].dtype() != mx::float32 || steps >> 33 != 0 ||
      !std::all_of(inputs.begin() + kInit, inputs.end(), known)) {
    return std::nullopt;
  }
  auto place = [&](Operand k) { return packed->bytes.data() + inputs[k].offset(); };
  auto ease = columns.eases[0];
  auto length = read_time(place(kLength), time_type(inputs[kLength].dtype()));
  auto all = kNumbers[ease](length, read<float>(place(kInit)), read<float>(place(kEnd)), steps);
  if (!all) {
    return std::nullopt;
  }
  mx::Strides words(sizeof *all / sizeof(int64_t));
  std::memcpy(words.data(), &*all, sizeof *all);
  auto& step = inputs[kStep];
  mx::Shape shape(words.size(), 1); // of that many axes, so that MLX passes all words
  Launch launch{{kByValue}, {view(step, read_as(step), std::move(shape), std::move(words))}};
  bool integers = !mx::issubdtype(step.dtype(), mx::floating);
  Span span = integers ? integer_span(all->length) : real_span(all->length);
  launch.kernel.known.eases = 1 << ease;
  launch.kernel.span = int(span);
  launch.kernel.whole = integers && span == Span::Wide32 && all->length.steps.fraction == 0;
  return launch;
}

} // namespace mlx_schedules::cuda
