// Constants shared by the CUDA host code and the kernels for columns.
#pragma once

#include "../operands.h"

enum {
  kWarp = 32,              // threads of a warp; also the most columns that `few` takes
  kTable = 32,             // the most columns that `contiguous` takes
  kEaseBits = 4,           // bits of an EaseCode
  kPlaces = 64 / kEaseBits // EaseCodes in a 64-bit word
};

// Indices into the array `about`: the number of columns, the column from which they repeat or -1, and from kEaseCodes
// on each column's EaseCode.
enum About { kColumns, kRepeat, kEaseCodes };
