// The emulated device. ../README.md says what it can't show.

#include <dlfcn.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <sstream>
#include <thread>

#include "mlx/allocator.h"
#include "mlx/backend/cpu/encoder.h"
#include "mlx/backend/metal/utils.h"

namespace {

std::string launches; // one line for each, read by tests

std::runtime_error failure(const std::string& what) {
  return std::runtime_error("[emulated Metal] " + what);
}

// With MLXS_SPARSE=k only the first and last k threads of a grid run, so that most memory of an array with 2^32
// elements is never accessed.
size_t sparse() {
  static const char* given = std::getenv("MLXS_SPARSE");
  return given ? std::atol(given) : 0;
}

} // namespace

extern "C" __attribute__((visibility("default"))) const char* take_launches() {
  static std::string taken;
  taken = std::exchange(launches, "");
  return taken.c_str();
}

namespace mlx::core {

std::string type_to_name(const Dtype& t) {
  std::ostringstream name;
  name << t;
  return name.str();
}

namespace metal {

void CommandEncoder::set_compute_pipeline_state(MTL::ComputePipelineState* pipeline) {
  pipeline_ = pipeline;
  bindings_ = {};
  temporaries_.clear();
}

CommandEncoder::Binding& CommandEncoder::at(int index) {
  if (index < 0 || index >= kBuffers) {
    throw failure("no buffer " + std::to_string(index));
  }
  return bindings_[index];
}

void CommandEncoder::set_input_array(const array& a, int index, int64_t offset) {
  at(index) = {true, false, std::make_shared<array>(a), {}, a.offset() + offset};
}

void CommandEncoder::set_output_array(array& a, int index, int64_t offset) {
  set_input_array(a, index, offset);
  bindings_[index].written = true;
}

void CommandEncoder::set_raw(const void* data, size_t size, int index) {
  if (size > 4096) { // "Maximum length of a data block for a function" of developer.apple.com/metal/limits
    throw failure("setBytes takes 4096 bytes, not " + std::to_string(size));
  }
  auto from = static_cast<const char*>(data);
  at(index) = {true, false, nullptr, {from, from + size}, 0};
}

// Like Metal's validation layer, checks that every buffer of the kernel is bound, large enough and aligned. Unlike it,
// also checks that no other buffer is bound.
void CommandEncoder::check() const {
  bool declared[kBuffers] = {};
  for (auto slot = pipeline_->slots; slot->index >= 0; slot++) {
    declared[slot->index] = true;
    auto& b = bindings_[slot->index];
    auto where = pipeline_->name + ", buffer " + std::to_string(slot->index) + ": ";
    if (!b.bound) {
      throw failure(where + "not bound");
    }
    int64_t size = b.owner ? b.owner->buffer_size() : b.bytes.size();
    if (b.offset < 0 || b.offset >= size) {
      throw failure(where + "begins outside");
    }
    if (slot->size && size - b.offset != slot->size) {
      throw failure(where + "holds " + std::to_string(size - b.offset) + " bytes of " + std::to_string(slot->size));
    }
    if (b.offset % slot->alignment) {
      throw failure(where + "not aligned");
    }
  }
  for (int i = 0; i < kBuffers; i++) {
    if (bindings_[i].bound && !declared[i]) {
      throw failure(pipeline_->name + " has no buffer " + std::to_string(i));
    }
  }
}

// Runs the grid on copies of the buffers between canaries, which reveal writes outside. A buffer that is bound twice,
// as in a donation, is copied once.
void CommandEncoder::run(const MTL::ComputePipelineState& kernel, Bindings& bindings, uint32_t width, uint32_t height) {
  constexpr size_t margin = 256;
  constexpr char canary = 0x5a;
  uint64_t addresses[kBuffers] = {};
  std::map<char*, std::vector<char>> copies; // by the original's address
  uint64_t threads = uint64_t(width) * height;
  for (int i = 0; i < kBuffers; i++) {
    auto& b = bindings[i];
    if (!b.owner) {
      addresses[i] = reinterpret_cast<uint64_t>(b.bytes.data());
      continue;
    }
    auto original = static_cast<char*>(b.owner->buffer().raw_ptr());
    if (sparse()) {
      addresses[i] = reinterpret_cast<uint64_t>(original + b.offset);
      continue;
    }
    auto& copy = copies[original];
    if (copy.empty()) {
      size_t size = b.owner->buffer_size();
      copy.assign(size + 2 * margin, canary);
      std::memcpy(copy.data() + margin, original, size);
    }
    addresses[i] = reinterpret_cast<uint64_t>(copy.data() + margin + b.offset);
  }

  if (sparse() && threads > 2 * sparse()) {
    kernel.run(addresses, width, height, 0, sparse());
    kernel.run(addresses, width, height, threads - sparse(), threads);
    return;
  }
  // Backwards, because Metal promises no order.
  constexpr uint64_t chunk = 256;
  for (uint64_t to = threads; to > 0;) {
    uint64_t from = (to - 1) / chunk * chunk;
    kernel.run(addresses, width, height, from, to);
    to = from;
  }
  if (sparse()) {
    return;
  }

  for (auto& [original, copy] : copies) {
    for (size_t i = 0; i < margin; i++) {
      if (copy[i] != canary || copy[copy.size() - 1 - i] != canary) {
        std::fprintf(stderr, "[emulated Metal] %s: writes outside its buffer\n", kernel.name.c_str());
        std::abort();
      }
    }
  }
  for (auto& b : bindings) {
    if (b.owner && b.written) {
      auto original = static_cast<char*>(b.owner->buffer().raw_ptr());
      std::memcpy(original, copies[original].data() + margin, b.owner->buffer_size());
    }
  }
}

void CommandEncoder::dispatch_threads(MTL::Size grid, MTL::Size group) {
  if (!pipeline_) {
    throw failure("no kernel set");
  }
  check();
  size_t most = pipeline_->maxTotalThreadsPerThreadgroup();
  if (!grid.width || !grid.height || grid.depth != 1 || (grid.width | grid.height) >> 32) {
    throw failure(pipeline_->name + ": bad grid");
  }
  if (!group.width || !group.height || !group.depth || group.width * group.height * group.depth > most) {
    throw failure(pipeline_->name + ": bad threadgroup");
  }
  auto out = std::find_if(bindings_.begin(), bindings_.end(), [](auto& b) { return b.written; });
  launches += pipeline_->name + " " + std::to_string(grid.width) + "x" + std::to_string(grid.height) + " stream " +
              std::to_string(stream_.index) +
              (out->owner->buffer().ptr() == bindings_[0].owner->buffer().ptr() ? " donated" : "") + "\n";
  auto bindings = std::make_shared<Bindings>(bindings_);
  cpu::get_command_encoder(stream_).dispatch(
      [kernel = *pipeline_, bindings, grid] { run(kernel, *bindings, grid.width, grid.height); });
}

MTL::Library* Device::get_library(const std::string&, const std::string& path) {
  throw failure("cannot read " + path);
}

namespace {

std::string kernels_path() {
  const char* path = std::getenv("MLXS_KERNELS");
  if (!path) {
    throw failure("MLXS_KERNELS is not set");
  }
  return path;
}

// Compiles a source to a shared library with MLXS_COMPILER, for example compile.py.
void* compiled(const std::string& path, const std::string& source, const std::string& constants = "") {
  if (!std::filesystem::exists(path)) {
    std::ofstream(path + ".source") << source;
    const char* compiler = std::getenv("MLXS_COMPILER");
    auto command = std::string(MLXS_PYTHON " ") + (compiler ? compiler : MLXS_COMPILER);
    if (std::system((command + " " + path + ".source " + path + constants).c_str())) {
      throw failure("the kernels do not compile");
    }
  }
  void* handle = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!handle) {
    throw failure(dlerror());
  }
  return handle;
}

MTL::ComputePipelineState* new_kernel(const std::string& name, void* handle) {
  auto run = dlsym(handle, ("run_" + name).c_str()), slots = dlsym(handle, ("slots_" + name).c_str());
  if (!run || !slots) {
    throw failure("no kernel " + name);
  }
  return new MTL::ComputePipelineState{
      name, reinterpret_cast<decltype(MTL::ComputePipelineState::run)>(run), static_cast<const MTL::Slot*>(slots)};
}

} // namespace

// If a test has compiled all kernels, they are in MLXS_KERNELS. Otherwise each library gets a file beside that.
MTL::Library* Device::get_library(const std::string& name,
                                  const CompileOptions& options,
                                  const std::function<std::string()>& builder) {
  if (options.math_mode != MathMode::Safe) {
    throw failure("fast math changes bits");
  }
  auto& library = libraries_[name];
  if (!library) {
    auto path = kernels_path();
    if (!std::filesystem::exists(path)) {
      path = std::filesystem::path(path).parent_path() / (name + ".so");
    }
    library.reset(new MTL::Library{name, builder, compiled(path, builder()), {}});
  }
  return library.get();
}

// If MLXS_SPECIALISED is set, compiles the kernel again with its function constants. Otherwise it has none, and must do
// the same.
MTL::ComputePipelineState* Device::get_kernel(const std::string& base_name,
                                              MTL::Library* library,
                                              const std::string& hash_name,
                                              const MTLFCList& constants) {
  auto& kernel = library->kernels[hash_name];
  if (!kernel) {
    void* handle = library->handle;
    if (std::getenv("MLXS_SPECIALISED") && !constants.empty()) {
      std::string values;
      size_t given = 0;
      for (auto& [value, type, index] : constants) {
        if (type != MTL::DataTypeInt || index != given++) {
          throw failure("function constants of another type or order");
        }
        values += " " + std::to_string(*static_cast<const int*>(value));
      }
      auto folder = std::filesystem::path(kernels_path()).parent_path();
      handle = compiled(folder / (hash_name + ".so"), library->builder(), values);
    }
    kernel.reset(new_kernel(base_name, handle));
  }
  return kernel.get();
}

Device& device(mlx::core::Device) {
  static Device instance;
  return instance;
}

CommandEncoder& get_command_encoder(Stream s) {
  static std::map<int, CommandEncoder> encoders;
  return encoders.try_emplace(s.index, s).first->second;
}

} // namespace metal

} // namespace mlx::core
