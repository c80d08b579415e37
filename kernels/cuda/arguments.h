// What the CUDA host code and the kernels of columns must agree on; both include it.
#pragma once

#include "../operands.h"

enum {
  kWarp = 32,              // threads, and columns that `one` takes at most
  kTable = 32,             // columns that `contiguous` takes at most
  kEaseBits = 4,           // of an EaseCode
  kPlaces = 64 / kEaseBits // of EaseCodes in a word
};

// The array `about`: how many columns, the one from which they repeat or -1, whether steps are folded as reals, each
// column's EaseCode.
enum About { kColumns, kRepeat, kEaseCodes };
