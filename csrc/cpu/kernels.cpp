// The table of one instruction set's loops. Compiled once per instruction set, with MLXS_ISA as the table's name;
// CMakeLists.txt has the flags.
#include "cpu/columns.h"
#include "cpu/names.h"

namespace mlx_schedules::cpu {

extern const Both<PositionKernels> MLXS_NAMED(positions); // in positions.cpp, counting.cpp and easing.cpp
extern const Both<CountKernels> MLXS_NAMED(counting);
extern const Both<EaseKernels> MLXS_NAMED(easing);

#define MLXS_STRING_(x) #x
#define MLXS_STRING(x) MLXS_STRING_(x)
extern const Kernels MLXS_ISA = {
    MLXS_STRING(MLXS_ISA), &MLXS_NAMED(positions), &MLXS_NAMED(counting), &MLXS_NAMED(easing)};

} // namespace mlx_schedules::cpu
