// The operands, in the order they have everywhere: on the host, in Metal's buffers and in CUDA's arguments.
#pragma once

enum Operand { kStep = 0, kInit = 1, kDecaySteps = 2, kEnd = 3, kOperands = 4 };
