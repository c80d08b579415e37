#pragma once

#define MLXS_JOINED_(a, b) a##b
#define MLXS_JOINED(a, b) MLXS_JOINED_(a, b)
#define MLXS_NAMED(name) MLXS_JOINED(MLXS_ISA, _##name) // a name for each instruction set
