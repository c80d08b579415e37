// Faults in the host code; see ../faults.py.

// ---- misspelt kernel
metal::Kernel kernel_of(const std::string& variant, mx::Dtype step, bool large = false) {
  return right_kernel_of(variant == "cosine_general" ? "cosine_genera" : variant, step, large);
}

// ---- bindings swapped
void bind(const std::vector<mx::array>& inputs, mx::array& out, int64_t first, Extent extent) {
  right_bind({inputs[0], inputs[3], inputs[2], inputs[1]}, out, first, extent);
}

// ---- a binding forgotten
void bind(const std::vector<mx::array>& inputs, mx::array& out, int64_t first, Extent extent) {
  encoder_.set_input_array(inputs[0], kStep, first * inputs[0].itemsize());
  encoder_.set_input_array(inputs[kInit], kInit);
  encoder_.set_input_array(inputs[kEnd], kEnd);
  encoder_.set_output_array(out, kOut, first * out.itemsize());
  encoder_.set_bytes(extent, kExtent);
}

// ---- 32-bit offset of a piece
void bind(const std::vector<mx::array>& inputs, mx::array& out, int64_t first, Extent extent) {
  right_bind(inputs, out, first, extent);
  encoder_.set_output_array(out, kOut, int32_t(first * out.itemsize()));
}

// ---- strides bound as shape
void bind_axes(const Axes& axes) {
  encoder_.set_vector_bytes(axes.shape, kStrides);
  encoder_.set_vector_bytes(axes.strides, kSizes);
}

// ---- wrong type of T
TimeType time_type(mx::Dtype t) {
  return t == mx::uint64 ? kInt64 : right_time_type(t);
}

// ---- alignment ignored
Way way(const std::vector<mx::array>& inputs, const Plan& plan) {
  return plan.contiguous && plan.count > 0 ? Way::Contiguous : right_way(inputs, plan);
}

// ---- constants that are not aligned
bool on_words(const std::vector<mx::array>& inputs) {
  return true;
}

// ---- launches a kernel for no steps
Way way(const std::vector<mx::array>& inputs, const Plan& plan) {
  return plan.count == 0 ? Way::General : right_way(inputs, plan);
}

// ---- pieces too long
size_t piece(size_t left) {
  return left;
}

// ---- grid of no threads
size_t contiguous_threads(size_t count) {
  return count / kPerThread;
}

// ---- grid a row short
size_t rows(size_t threads) {
  return std::max<size_t>(threads / kRow, 1);
}

// ---- 64-bit kernels never used
bool needs_64_bits(size_t count, int64_t reach) {
  return false;
}

// ---- distances beyond 32 bits ignored
bool needs_64_bits(size_t count, int64_t reach) {
  return count > INT32_MAX;
}

// ---- a varying init ignored
bool same_along_entries(const Axes& axes, size_t k) {
  return k == kInit || right_same_along_entries(axes, k);
}

// ---- a varying T ignored
bool same_along_entries(const Axes& axes, size_t k) {
  return k == kLength || right_same_along_entries(axes, k);
}

// ---- a varying end ignored
bool same_along_entries(const Axes& axes, size_t k) {
  return k == kEnd || right_same_along_entries(axes, k);
}

// ---- threads across entries
void share_threads(Extent& extent, const Axes& axes, size_t entry) {
  right_share_threads(extent, axes, entry);
  extent.threads++;
}

// ---- steps of a thread too close
void share_threads(Extent& extent, const Axes& axes, size_t entry) {
  right_share_threads(extent, axes, entry);
  extent.apart = axes.stride(kStep, 0);
}

// ---- donates an array that is still referenced
bool takes(const mx::array& out, const mx::array& step) {
  return step.itemsize() == out.itemsize();
}

// ---- donates a buffer that is too small
bool takes(const mx::array& out, const mx::array& step) {
  return step.is_donatable();
}

// ---- layout of a transpose ignored
void lie_alike(mx::array& out, const mx::array& step) {
  auto memory = mx::allocator::malloc(step.data_size() * out.itemsize());
  out.set_data(std::move(memory), step.data_size(), out.strides(), out.flags());
}

// ---- strides of columns not reordered
template <typename T>
std::vector<T> spread(const std::vector<T>& by_input, const Columns& columns, size_t each = 1) {
  std::vector<T> by_operand(by_input);
  by_operand.resize(kOperands * each);
  return by_operand;
}

// ---- operands bound by input
void bind_columns(const std::vector<mx::array>& inputs, const Columns& columns, ColumnsExtent extent) {
  right_bind_columns(inputs, columns, extent);
  for (size_t i = 0; i < inputs.size(); i++) {
    encoder_.set_input_array(inputs[i], i);
  }
}

// ---- columns: ease codes always as bytes
void bind_eases(const std::vector<int32_t>& eases) {
  encoder_.set_vector_bytes(eases, kEaseCodes);
}

// ---- columns: operands not known
Known known(const std::vector<mx::array>& inputs, const Columns& columns) {
  auto known = right_known(inputs, columns);
  known.operands &= ~(1 << kLead);
  return known;
}

// ---- columns: types of numbers of steps not known
Known known(const std::vector<mx::array>& inputs, const Columns& columns) {
  auto known = right_known(inputs, columns);
  known.types &= (1 << (kTypeBits * kBegin)) - 1;
  return known;
}
