// Metal's entry points. Each computes one value per step.
//
//   cosine_contiguous_<step type>         one value each of init, decay_steps and end; contiguous steps
//   cosine_general[_large]_<step type>    any strides; _large where an index or offset needs 64 bits
//   columns_general[_large]_<step type>   any columns and strides
//
// Values, init and end have the type of the steps if that is float16 or bfloat16, otherwise float32.
#include <metal_stdlib>

// For the same bits as on every other backend. MLX also turns fast math off, but the results must not depend on that.
#pragma METAL fp contract(off)
#if __METAL_VERSION__ >= 320
#pragma METAL fp math_mode(safe)
#endif

namespace mlx_schedules {

#include "columns.h"
#include "cosine.h"

#define INSTANTIATE(name, function, ...) \
  template [[host_name(name)]] [[kernel]] decltype(function<__VA_ARGS__>) function<__VA_ARGS__>;

#define cosine_contiguous(type, S, Out) INSTANTIATE("cosine_contiguous_" type, contiguous_decay, S, Out)
#define cosine_general(type, S, Out) INSTANTIATE("cosine_general_" type, general_decay, S, Out, uint, int)
#define cosine_general_large(type, S, Out) INSTANTIATE("cosine_general_large_" type, general_decay, S, Out, ulong, long)
#define columns_general(type, S, Out) INSTANTIATE("columns_general_" type, columns, S, Out, uint, int)
#define columns_general_large(type, S, Out) INSTANTIATE("columns_general_large_" type, columns, S, Out, ulong, long)

#define MLXS_OF_uint8(kernel) kernel("uint8", uchar, float)
#define MLXS_OF_uint16(kernel) kernel("uint16", ushort, float)
#define MLXS_OF_uint32(kernel) kernel("uint32", uint, float)
#define MLXS_OF_uint64(kernel) kernel("uint64", ulong, float)
#define MLXS_OF_int8(kernel) kernel("int8", char, float)
#define MLXS_OF_int16(kernel) kernel("int16", short, float)
#define MLXS_OF_int32(kernel) kernel("int32", int, float)
#define MLXS_OF_int64(kernel) kernel("int64", long, float)
#define MLXS_OF_float16(kernel) kernel("float16", half, half)
#define MLXS_OF_bfloat16(kernel) kernel("bfloat16", bfloat, bfloat)
#define MLXS_OF_float32(kernel) kernel("float32", float, float)

// The host defines MLXS_KERNEL as the kernel it needs, such as MLXS_OF_uint32(columns_general). A metallib has all.
#ifndef MLXS_KERNEL
#define OF_ALL(kernel)                                                                                            \
  MLXS_OF_uint8(kernel) MLXS_OF_uint16(kernel) MLXS_OF_uint32(kernel) MLXS_OF_uint64(kernel) MLXS_OF_int8(kernel) \
      MLXS_OF_int16(kernel) MLXS_OF_int32(kernel) MLXS_OF_int64(kernel) MLXS_OF_float16(kernel)                   \
          MLXS_OF_bfloat16(kernel) MLXS_OF_float32(kernel)
#define MLXS_KERNEL         \
  OF_ALL(cosine_contiguous) \
  OF_ALL(cosine_general) OF_ALL(cosine_general_large) OF_ALL(columns_general) OF_ALL(columns_general_large)
#endif
MLXS_KERNEL

} // namespace mlx_schedules
