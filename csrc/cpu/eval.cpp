// The CPU backend. It reads inputs in place. Tiles of at most kTile elements are copied only if the steps or the
// hyperparameters are not contiguous, or if the schedule has several columns.

#include <algorithm>

#include "cpu/column_evaluator.h"
#include "cpu/kept.h"
#include "cpu/pages.h"
#include "cpu/parallel.h"
#include "cpu/walk.h"
#include "mlx/backend/cpu/encoder.h"
#include "op.h"
#include "plan.h"

namespace mlx_schedules {

namespace {

using namespace cpu;

// The fewest steps for a thread. They take 150 us, and starting the thread about 50.
constexpr size_t kGrain = size_t(1) << 18;

// Evaluates the pieces from `begin` to `end`.
template <typename Evaluator>
void run(const Plan& plan,
         std::vector<Data> inputs,
         Evaluator& evaluator,
         size_t begin,
         size_t end,
         char* out,
         size_t out_size) {
  if (plan.contiguous) {
    inputs[kStep].data = inputs[kStep].at(begin);
    return walk_contiguous(inputs, evaluator, end - begin, out, out_size);
  }
  auto part = plan.axes;
  part.shape[0] = end - begin;
  for (size_t k = 0; k < inputs.size(); k++) {
    inputs[k].data = inputs[k].at(begin * part.stride(k, 0));
  }
  walk(part, inputs, evaluator, out, out_size);
}

struct Task {
  Plan plan;
  std::shared_ptr<const Columns> columns;
  std::vector<Data> inputs;
  bool exact_reals;
  mx::Dtype type; // of the output
  char* out;

  template <typename R>
  void evaluate(size_t begin, size_t end, char* to) const {
    auto evaluator = Kept<ColumnEvaluator<R>>::make(*columns, exact_reals, type);
    run(plan, inputs, *evaluator, begin, end, to, type.size());
  }

  void operator()() const {
    // A piece is an entry of the outermost axis or, if the plan is contiguous, a step.
    size_t pieces = plan.contiguous ? plan.count : plan.axes.shape[0], piece = plan.contiguous ? 1 : plan.entry();
    in_parallel(pieces, std::max<size_t>(kGrain / piece, 1), [&](size_t begin, size_t end) {
      char* to = out + begin * piece * type.size();
      type == mx::float64 ? evaluate<double>(begin, end, to) : evaluate<float>(begin, end, to);
    });
  }
};

} // namespace

void Schedule::eval_cpu(const std::vector<mx::array>& inputs, std::vector<mx::array>& outputs) {
  auto& out = outputs[0];
  auto plan = make_plan(inputs, *columns_, out);
  give_memory(plan, inputs, out);
  if (out.size() == 0) {
    return;
  }
  if (!plan.donated) {
    advise_huge_pages(out.data<char>(), out.data_size() * out.itemsize());
  }

  auto& encoder = mx::cpu::get_command_encoder(stream());
  std::vector<Data> data;
  for (size_t i = 0; i < inputs.size(); i++) {
    encoder.set_input_array(inputs[i]);
    data.push_back({inputs[i].data<char>(), inputs[i].dtype(), plan.column_strides[i]});
  }
  encoder.set_output_array(out);
  bool exact_reals = takes_exact_steps(inputs, *columns_);
  encoder.dispatch(Task{std::move(plan), columns_, std::move(data), exact_reals, out.dtype(), out.data<char>()});
}

} // namespace mlx_schedules
