// Metal's entry points: one value per step of ../segment.h.
//
//   cosine_decay_uniform_<step type>           init, decay_steps and end hold one value; steps without gaps
//   cosine_decay_general_<step type>[_large]   any strides; _large where an index or offset needs 64 bits
//   schedule_columns_<step type>[_large]       any columns and strides: columns.h
//
// float16 and bfloat16 steps give their own type, every other float32, which is also what init and end are held in.
#include "columns.h"
#include "cosine.h"

#define INSTANTIATE(name, function, ...) \
  template [[host_name(name)]] [[kernel]] decltype(function<__VA_ARGS__>) function<__VA_ARGS__>;

#define STEP_TYPE(name, S, Out)                                                          \
  INSTANTIATE("cosine_decay_uniform_" name, uniform_decay, S, Out)                       \
  INSTANTIATE("cosine_decay_general_" name, general_decay, S, Out, uint, int)            \
  INSTANTIATE("cosine_decay_general_" name "_large", general_decay, S, Out, ulong, long) \
  INSTANTIATE("schedule_columns_" name, columns, S, Out, uint, int)                      \
  INSTANTIATE("schedule_columns_" name "_large", columns, S, Out, ulong, long)

STEP_TYPE("uint8", uchar, float)
STEP_TYPE("uint16", ushort, float)
STEP_TYPE("uint32", uint, float)
STEP_TYPE("uint64", ulong, float)
STEP_TYPE("int8", char, float)
STEP_TYPE("int16", short, float)
STEP_TYPE("int32", int, float)
STEP_TYPE("int64", long, float)
STEP_TYPE("float16", half, half)
STEP_TYPE("bfloat16", bfloat, bfloat)
STEP_TYPE("float32", float, float)
