// The operands, in the order they have everywhere: on the host, in Metal's buffers and in CUDA's arguments.
#pragma once

enum Operand { kStep, kInit, kDecaySteps, kEnd, kOperands };
