// Stands in for MLX's header of this name, with the functions that csrc/metal calls, on a device emulated by the CPU.
#pragma once

#include <array>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <tuple>
#include <vector>

#include "mlx/array.h"
#include "mlx/backend/common/metal_kernel.h"
#include "mlx/device.h"
#include "mlx/stream.h"

namespace MTL {

struct Size {
  size_t width, height, depth;
  Size(size_t w, size_t h, size_t d) : width(w), height(h), depth(d) {}
};

enum DataType { DataTypeInt = 29 };

struct Library {
  std::string name;
  std::function<std::string()> builder; // returns its source
  void* handle;                         // a shared library made by compile.py
  std::map<std::string, std::unique_ptr<struct ComputePipelineState>> kernels;
};

struct Slot { // what a kernel requires of one buffer; as in emulation/metal_stdlib
  int index, size, alignment;
};

struct ComputePipelineState {
  std::string name;
  void (*run)(const uint64_t* buffers, uint32_t width, uint32_t height, uint64_t from, uint64_t to);
  const Slot* slots;

  size_t maxTotalThreadsPerThreadgroup() const { return 1024; }
};

} // namespace MTL

namespace mlx::core::metal {

constexpr int kBuffers = 31;

using MTLFCList = std::vector<std::tuple<const void*, MTL::DataType, unsigned long>>;

class CommandEncoder {
 public:
  explicit CommandEncoder(Stream s) : stream_(s) {}

  void set_compute_pipeline_state(MTL::ComputePipelineState* pipeline);
  void set_input_array(const array& a, int index, int64_t offset = 0);
  void set_output_array(array& a, int index, int64_t offset = 0);
  template <typename T>
  void set_bytes(const T& value, int index) {
    set_raw(&value, sizeof(T), index);
  }
  template <typename V>
  void set_vector_bytes(const V& values, int index) {
    set_raw(values.data(), values.size() * sizeof(values[0]), index);
  }
  void add_temporary(array a) { temporaries_.push_back(std::move(a)); }
  void dispatch_threads(MTL::Size grid, MTL::Size group);

 private:
  struct Binding {
    bool bound = false;
    bool written = false;
    std::shared_ptr<array> owner; // the buffer, if there is one
    std::vector<char> bytes;      // otherwise
    int64_t offset = 0;           // of the first byte in the buffer
  };
  using Bindings = std::array<Binding, kBuffers>;

  void set_raw(const void* data, size_t size, int index);
  Binding& at(int index);
  void check() const;
  static void run(const MTL::ComputePipelineState& kernel, Bindings& bindings, uint32_t width, uint32_t height);

  Stream stream_;
  MTL::ComputePipelineState* pipeline_ = nullptr;
  Bindings bindings_;
  std::vector<array> temporaries_; // kept until the next kernel
};

class Device {
 public:
  MTL::Library* get_library(const std::string& name, const std::string& path);
  MTL::Library* get_library(const std::string& name,
                            const CompileOptions& options,
                            const std::function<std::string()>& builder);
  MTL::ComputePipelineState* get_kernel(const std::string& base_name,
                                        MTL::Library* library,
                                        const std::string& hash_name,
                                        const MTLFCList& constants);

 private:
  std::map<std::string, std::unique_ptr<MTL::Library>> libraries_;
};

Device& device(mlx::core::Device);
CommandEncoder& get_command_encoder(Stream s);

} // namespace mlx::core::metal
