#include "unstack.h"

#include "mlx/primitives.h"
#include "op.h"

namespace mlx_schedules {

namespace {

using Arrays = std::vector<mx::array>;

// One element of a row.
class Element : public mx::Primitive {
 public:
  Element(mx::Stream s, int index) : mx::Primitive(s), index_(index) {}

  void eval_cpu(const Arrays& inputs, Arrays& outputs) override { share(inputs[0], outputs[0]); }
  void eval_gpu(const Arrays& inputs, Arrays& outputs) override { share(inputs[0], outputs[0]); }

  Arrays jvp(const Arrays&, const Arrays& tangents, const std::vector<int>&) override {
    return {mx::take(tangents[0], mx::array(index_), 0, stream())};
  }
  Arrays vjp(const Arrays& primals, const Arrays& cotangents, const std::vector<int>&, const Arrays&) override {
    auto is_own = mx::equal(mx::arange(int(primals[0].size()), stream()), mx::array(index_), stream());
    return {mx::where(is_own, cotangents[0], mx::array(0, cotangents[0].dtype()), stream())};
  }
  std::pair<Arrays, std::vector<int>> vmap(const Arrays& inputs, const std::vector<int>& axes) override {
    return {{mx::take(inputs[0], index_, 1 - axes[0], stream())}, {0}};
  }

  std::vector<mx::Shape> output_shapes(const Arrays&) override { return {mx::Shape{}}; }
  bool is_equivalent(const mx::Primitive& other) const override {
    return index_ == static_cast<const Element&>(other).index_;
  }
  const char* name() const override { return "Element"; }

 private:
  void share(const mx::array& row, mx::array& scalar) const {
    scalar.copy_shared_buffer(row, {}, {true, true, true}, 1, index_ * row.strides(0));
  }

  int index_;
};

} // namespace

std::vector<mx::array> unstack(const mx::array& row) {
  auto s = mx::default_stream(mx::default_device());
  Arrays scalars;
  for (int i = 0; i < row.size(); i++) {
    scalars.push_back(exporting() // MLX saves only primitives of its own
                          ? mx::take(row, mx::array(i), 0, s)
                          : mx::array(mx::Shape{}, row.dtype(), std::make_shared<Element>(s, i), {row}));
  }
  return scalars;
}

} // namespace mlx_schedules
