// What the Metal host code and the kernels must agree on; both include it.
#pragma once

#include "../operands.h"

enum BufferIndex { kOut = kOperands, kExtent, kSizes, kStrides, kInverses, kColumns, kEaseCodes }; // after the operands

// What a pipeline of columns is compiled for, by function constant: see Known in csrc/plan.h.
enum FunctionConstant { kKnownEases, kKnownOperands, kKnownTypes };

enum {
  kVector = 4,      // steps read and written at once
  kPerThread = 16,  // steps that share one `prepare`, which costs about as much as one of them
  kAlone = 1 << 17, // steps that have a thread each, since fewer threads would not fill a GPU
  kRow = 1 << 20,   // threads in a row of the general kernel's grid
};

struct ColumnsExtent {
  int32_t columns, repeat; // how many, and the one from which they repeat; -1: none
  int32_t operands;        // a bit for each that there is
  int32_t types;           // kTypeBits for each operand that is a number of steps: its TimeType
  int64_t apart[16];       // of each operand, from one column to the next
};

struct Extent {
  uint64_t count;   // of steps
  uint64_t threads; // of the general kernel; each takes every `threads`-th step
  int64_t apart;    // how far those lie from one another
  int32_t axes;     // entries of the shape; the strides are four runs as long: step, init, decay_steps, end
  int32_t time;     // TimeType
};
