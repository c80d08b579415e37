// The graph of MLX's ops that is differentiated and exported. It is written in Python, in python/mlx_schedules/_graph,
// which also evaluates schedules with MLX releases that there is no compiled op for.

#include <nanobind/nanobind.h>

#include "op.h"

namespace nb = nanobind;

mlx::core::array mlx_schedules::graph(const std::vector<mx::array>& inputs, const Columns& columns, mx::Stream s) {
  nb::gil_scoped_acquire gil;
  nb::dict operands;
  for (size_t i = 0; i < inputs.size(); i++) {
    operands[kOperandNames[columns.operands[i]]] = nb::cast(inputs[i]);
  }
  nb::list eases;
  for (auto ease : columns.eases) {
    eases.append(kEaseNames[ease]);
  }
  auto graph = nb::module_::import_("mlx_schedules._graph.graph").attr("graph_on");
  return nb::cast<mx::array>(graph(s, operands, eases, columns.repeat, exporting()));
}
