// How Metal's kernels read numbers, and where those of an element lie.
#pragma once

#include "prelude.h"
//
#include "../cursor.h"
#include "arguments.h"

template <typename T>
inline T read(const device uchar* p, long i) {
  return ((const device T*)p)[i];
}
template <typename T>
inline T read(constant uchar* p, long i) {
  return ((constant T*)p)[i];
}

template <typename Bytes>
inline Time<float> time_at(Bytes time, int type, long i) {
  switch (type) { // negative numbers count as 0
    case kInt32:
      return integer_time<float>(ulong(max(read<int>(time, i), 0)));
    case kUint32:
      return integer_time<float>(read<uint>(time, i));
    case kInt64:
      return integer_time<float>(ulong(max(read<long>(time, i), long(0))));
    case kUint64:
      return integer_time<float>(read<ulong>(time, i));
    default:
      return real_time(read<float>(time, i));
  }
}

template <typename S>
inline S plain(S step) {
  return step;
}
inline float plain(half step) {
  return float(step);
}
inline float plain(bfloat step) {
  return float(step);
}

// The index of a thread of the general kernels.
template <typename Index>
inline Index index_of(uint2 at) {
  return Index(at.y) * kRow + at.x;
}

template <typename Offset, int operands>
struct Places { // the offset of an element in each operand
  Offset at[operands];
};

// Index and Offset are uint and int, or ulong and long. `inverses` replace divisions, because 64-bit division is a loop
// over bits on this hardware. `present` has a bit for each operand that is present.
template <typename Index, typename Offset, int operands>
inline Places<Offset, operands> places(
    Index i, int present, int axes, constant int* shape, constant long* strides, constant ulong* inverses) {
  Places<Offset, operands> p = {{0}};
  for (int axis = axes - 1; axis >= 0; axis--) {
    Index outer = axis > 0 ? quotient(i, ulong(shape[axis]), inverses[axis]) : 0;
    Offset position = Offset(i - outer * Index(shape[axis]));
#pragma unroll // keeps `p` in registers, which cannot be indexed
    for (int k = 0; k < operands; k++) {
      p.at[k] += (present >> k & 1) != 0 ? position * Offset(strides[k * axes + axis]) : 0;
    }
    i = outer;
  }
  return p;
}
