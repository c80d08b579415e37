#include <nanobind/nanobind.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/variant.h>
#include <nanobind/stl/vector.h>

#include "cpu/isa.h"
#include "fuse.h"
#include "gpu.h"
#include "op.h"
#include "unstack.h"

namespace nb = nanobind;
namespace ms = mlx_schedules;
namespace mx = mlx::core;
using namespace nb::literals;

NB_MODULE(_ext, m) {
  nb::module_::import_("mlx.core"); // registers array, Dtype and Stream
  nb::register_exception_translator([](const std::exception_ptr& p, void*) {
    try {
      std::rethrow_exception(p);
    } catch (const ms::NotReal& error) {
      PyErr_SetString(PyExc_TypeError, error.what());
    }
  });

  nb::class_<ms::Segments>(m, "Segments", "The numbers of a schedule, made once and passed to every call.")
      .def(
          "__init__",
          [](ms::Segments* self, const std::vector<std::string>& eases, const nb::dict& operands, nb::object repeat) {
            std::vector<std::pair<std::string, mx::array>> list;
            for (auto [name, array] : operands) {
              list.emplace_back(nb::cast<std::string>(name), nb::cast<mx::array>(array));
            }
            new (self) ms::Segments(ms::make_segments(eases, list, repeat.is_none() ? -1 : nb::cast<int>(repeat)));
          },
          "eases"_a,
          "operands"_a,
          "repeat"_a = nb::none(),
          nb::sig("def __init__(self, eases: collections.abc.Sequence[str], "
                  "operands: dict[str, mlx.core.array], repeat: int | None = None) -> None"));

  m.def("evaluate",
        &ms::evaluate,
        "step"_a,
        "segments"_a,
        nb::kw_only(),
        "stream"_a = nb::none(),
        nb::sig("def evaluate(step: mlx.core.array, segments: Segments, *, "
                "stream: mlx.core.Stream | mlx.core.ThreadLocalStream | mlx.core.Device | mlx.core.DeviceType | None = "
                "None) -> mlx.core.array"),
        "The op on a schedule; ``mlx_schedules.fast.evaluate`` documents it.");

  m.def("cosine_decay",
        &ms::cosine_decay,
        "step"_a,
        "init"_a,
        "decay_steps"_a,
        "end"_a,
        nb::kw_only(),
        "stream"_a = nb::none(),
        nb::sig("def cosine_decay(step: mlx.core.array, init: mlx.core.array, decay_steps: mlx.core.array, "
                "end: mlx.core.array, *, stream: mlx.core.Stream | mlx.core.ThreadLocalStream | mlx.core.Device | "
                "mlx.core.DeviceType | None = None) -> mlx.core.array"),
        "The op on arrays; ``mlx_schedules.fast.cosine_decay`` documents it.");

  m.def(
      "result_dtype",
      [](mx::Dtype step, const nb::args& values) {
        std::vector<mx::Dtype> types;
        for (auto value : values) {
          types.push_back(nb::cast<mx::Dtype>(value));
        }
        return ms::result_dtype(step, types);
      },
      "step"_a,
      "values"_a,
      nb::sig("def result_dtype(step: mlx.core.Dtype, *values: mlx.core.Dtype) -> mlx.core.Dtype"),
      "The dtype of the values of a schedule made of numbers of dtypes ``values``, at steps of dtype ``step``.");

  m.def(
      "eases",
      [] {
        nb::list found;
#define MLXS_EASE(type, name, ends, parameter) found.append(nb::make_tuple(#name, ends, #parameter));
        MLXS_EASES(MLXS_EASE)
        return found;
      },
      nb::sig("def eases() -> list[tuple[str, bool, str]]"),
      "Every ease in the order of their codes: its name, whether it ends at its length, and what its parameter is.");

  m.def(
      "is_tracer",
      // MLX unmarks mx.compile's tracers if a function of them is differentiated. They still have no value.
      [](const mx::array& a) {
        return a.is_tracer() || (!a.has_primitive() && a.status() == mx::array::Status::unscheduled);
      },
      "a"_a,
      nb::sig("def is_tracer(a: mlx.core.array) -> bool"),
      "Whether a transformation is tracing ``a``, so that its value cannot be read.");

  m.def("fuse",
        &ms::fuse,
        "inputs"_a,
        "outputs"_a,
        nb::sig("def fuse(inputs: list[mlx.core.array], outputs: list[mlx.core.array]) -> list[mlx.core.array] | None"),
        "The outputs, made from the inputs by one kernel inside ``mx.compile``, or None if that is not possible.");

  m.def("unstack",
        &ms::unstack,
        "row"_a,
        nb::sig("def unstack(row: mlx.core.array) -> list[mlx.core.array]"),
        "The elements of a row as scalars, which share its memory.");

  m.def(
      "set_exporting",
      [](bool on) { return std::exchange(ms::exporting(), on); },
      "on"_a,
      "Sets whether calls on this thread return a graph of MLX's own ops; returns the previous setting.");

  m.def("exporting", [] { return ms::exporting(); }, "Whether calls on this thread return a graph of MLX's own ops.");

  m.def("instruction_set", [] { return ms::cpu::isa().name; }, "The CPU kernels in use: baseline, avx2 or avx512.");

  m.def("gpu_kernels", &ms::gpu_kernels, "Where the GPU's kernels come from; empty if no GPU backend is built in.");
}
