// What the CUDA host code and the kernels of columns must agree on; both include it.
#pragma once

enum { kTable = 32 }; // columns that `dense` takes at most

// The array `about`: how many columns, the one from which they repeat or -1, whether steps are folded as reals, each
// operand's TimeType, each column's EaseCode.
enum About { kColumns, kRepeat, kRealFold, kTypes, kEaseCodes = kTypes + kOperands };
