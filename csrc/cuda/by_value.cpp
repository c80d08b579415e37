// Prepares one segment on the host, so that a kernel is given its numbers by value. It then reads none from memory, and
// its blocks wait for nothing but steps.

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
Numbers numbers(Time<float> length, float init, float end, int64_t count) {
  static_assert(sizeof(Numbers) == 8 * sizeof(int64_t), "MLX passes up to 10 strides");
  static_assert(E::counts != int(Count::Lengths), "Numbers lacks what these eases count with");
  return numbers_of(prepare<E>(length, init, end), count);
}

Numbers numbers(EaseCode ease, Time<float> length, float init, float end, int64_t count) {
  switch (ease) {
#define MLXS_NUMBERS_none(type) \
  case k##type:                 \
    return numbers<type>(length, init, end, count);
#define MLXS_NUMBERS_exponent(type)
#define MLXS_NUMBERS_rate(type)
#define MLXS_NUMBERS(type, name, ends, parameter) MLXS_NUMBERS_##parameter(type)
    MLXS_EASES(MLXS_NUMBERS)
    default:
      throw std::logic_error("An ease with a parameter is not passed by value.");
  }
}

} // namespace

std::optional<Launch> by_value(const std::vector<mx::array>& inputs, const Columns& columns, int64_t steps) {
  auto& packed = columns.packed;
  auto known = [&](const mx::array& a) { return a.data_shared_ptr() == packed->memory.data_shared_ptr(); };
  if (!packed || inputs[kInit].dtype() != mx::float32 || !std::all_of(inputs.begin() + kInit, inputs.end(), known)) {
    return std::nullopt;
  }
  auto place = [&](Operand k) { return packed->bytes.data() + inputs[k].offset(); };
  auto type = time_type(inputs[kLength].dtype());
  auto length = read_time(place(kLength), type);
  auto all = numbers(columns.eases[0], length, read<float>(place(kInit)), read<float>(place(kEnd)), steps);
  mx::Strides words(sizeof all / sizeof(int64_t));
  std::memcpy(words.data(), &all, sizeof all);
  auto& step = inputs[kStep];
  mx::Shape shape(words.size(), 1); // of that many axes, so that MLX passes all words
  Launch launch{{kByValue}, {view(step, read_as(step), std::move(shape), std::move(words))}};
  // One kernel for all types of whole lengths.
  launch.kernel.known.types = (type == kFloat32 ? kFloat32 : kUint64) << (kTypeBits * kLength);
  return launch;
}

} // namespace mlx_schedules::cuda
