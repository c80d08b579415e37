#include <nanobind/nanobind.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/variant.h>

#include "cpu/isa.h"
#include "gpu.h"
#include "op.h"

namespace nb = nanobind;
namespace ms = mlx_schedules;
namespace mx = mlx::core;
using namespace nb::literals;

NB_MODULE(_ext, m) {
  nb::module_::import_("mlx.core"); // registers array, Dtype and Stream

  m.def(
      "cosine_decay",
      [](const mx::array& step,
         const mx::array& init,
         const mx::array& decay_steps,
         const mx::array& end,
         mx::StreamOrDevice stream) {
        const std::pair<const char*, const mx::array*> operands[] = {
            {"step", &step}, {"init", &init}, {"decay_steps", &decay_steps}, {"end", &end}};
        for (auto& [name, a] : operands) {
          if (a->dtype() == mx::complex64) {
            throw nb::type_error((std::string("[cosine_decay] ") + name + " must be real, got complex64.").c_str());
          }
        }
        return ms::cosine_decay(step, init, decay_steps, end, stream);
      },
      "step"_a,
      "init"_a,
      "decay_steps"_a,
      "end"_a,
      nb::kw_only(),
      "stream"_a = nb::none(),
      nb::sig("def cosine_decay(step: mlx.core.array, init: mlx.core.array, decay_steps: mlx.core.array, "
              "end: mlx.core.array, *, stream: mlx.core.Stream | mlx.core.Device | None = None) -> mlx.core.array"),
      "The op on arrays; ``mlx_schedules.fast.cosine_decay`` documents it.");

  m.def(
      "is_tracer",
      [](const mx::array& a) { return a.is_tracer(); },
      "a"_a,
      nb::sig("def is_tracer(a: mlx.core.array) -> bool"),
      "Whether a transformation is tracing ``a``, so that its value cannot be read.");

  m.def(
      "set_exporting",
      [](bool on) { return std::exchange(ms::exporting(), on); },
      "on"_a,
      "Makes this thread's calls return a graph of MLX's own ops, or no longer; returns what it was.");

  m.def("instruction_set", [] { return ms::cpu::isa().name; }, "The CPU kernels in use: baseline, avx2 or avx512.");

  m.def("gpu_kernels", &ms::gpu_kernels, "Where the GPU's kernels come from; empty where no GPU backend is built in.");
}
