// Constants and structs shared by the Metal host code and the kernels.
#pragma once

#include "../operands.h"

enum BufferIndex { kOut = kOperands, kExtent, kSizes, kStrides, kInverses, kColumns, kEaseCodes }; // after the operands

// Function constants that tell a pipeline of columns about the schedule; see Known in csrc/plan.h.
enum FunctionConstant { kKnownEases, kKnownOperands, kKnownTypes };

enum {
  kVector = 4,      // steps that a thread reads and writes at once
  kPerThread = 16,  // steps of a thread, which share one `prepare`; that costs about as much as one step
  kAlone = 1 << 17, // up to this many steps get a thread each, because fewer threads would not fill a GPU
  kRow = 1 << 20,   // threads in a row of the general kernel's grid
};

struct ColumnsExtent {
  int32_t columns, repeat; // the number of columns, and the column from which they repeat, or -1
  int32_t operands;        // a bit for each operand that is present
  int32_t types;           // for each operand that is a number of steps, kTypeBits bits: its TimeType
  int64_t apart[16];       // for each operand, the stride from one column to the next
};

struct Extent {
  uint64_t count;   // the number of steps
  uint64_t threads; // the number of threads of the general kernel; each takes every `threads`-th step
  int64_t apart;    // the distance in memory between the steps of a thread
  int32_t axes;     // entries of the shape, and of the strides of each operand, which follow one another
  int32_t time;     // the TimeType of decay_steps
};
