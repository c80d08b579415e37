#include "cuda/launcher.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>

#include "cuda/source.h"
#include "gpu.h"
#include "mlx/fast.h"
#include "package.h"

namespace mlx_schedules::cuda {

namespace {

namespace fs = std::filesystem;

// MLX caches compiled kernels across processes, by their source. A digest of our files in that source keeps an upgraded
// package from using the kernels of the old one.
size_t digest() {
  static const size_t digest = [] {
    std::vector<fs::path> files;
    for (auto& entry : fs::recursive_directory_iterator(package_folder() / "kernels")) {
      if (entry.is_regular_file()) {
        files.push_back(entry.path());
      }
    }
    std::sort(files.begin(), files.end());
    std::string text;
    for (auto& file : files) {
      std::ifstream stream(file);
      text.append(std::istreambuf_iterator<char>(stream), {});
    }
    return std::hash<std::string>()(text);
  }();
  return digest;
}

// MLX hashes a kernel's whole source at every launch, so the source only names our file. The text of the kernels, 9 KB,
// would cost 2 us of a scalar call's 33.
std::string include(const char* file) {
  return "#include \"" + (package_folder() / "kernels" / "cuda" / file).string() + "\" // " + std::to_string(digest()) +
         "\n";
}

const std::string kName = "custom_kernel_schedule"; // MLX's name for the kernel

struct Block {
  int threads;
  int least = 0; // blocks that a multiprocessor must hold, which limits their registers
};

// Contiguous kernels fit into 32 registers, so that a multiprocessor can hold all its threads. Those of one segment
// then reach 0.97 of a copy's speed instead of 0.94; in blocks of 512, 2^20 steps took 0.2 us longer. Those of columns
// spill one register a turn for lengths beyond 2^25; with 40 registers they reach 0.950 instead of 0.969 for four
// segments, and 0.454 instead of 0.483 for steps in no order (H200, medians of three processes each).
Block block_of(const Kernel& kernel) {
  switch (kernel.layout) {
    case kFewElements:
      return {kernel.columns};
    case kByValue:
    case kContiguous:
      return {256, 8};
    default:
      return {128};
  }
}

// Launch bounds, through a macro, because MLX writes the kernel's signature.
std::string bounds(Block block) {
  if (block.least == 0) {
    return "";
  }
  std::string numbers = std::to_string(block.threads) + ", " + std::to_string(block.least);
  return "#define " + kName + " __launch_bounds__(" + numbers + ") " + kName + "\n";
}

// Primitives are kept, because making one writes the kernel's whole source again.
mx::Primitive& launcher(const Launch& launch,
                        const std::vector<mx::array>& inputs,
                        const Columns& columns,
                        const mx::array& out,
                        mx::Stream s) {
  static thread_local std::map<Key, std::shared_ptr<mx::Primitive>> made;
  auto& views = launch.views;
  auto& primitive = made[key_of(launch, out, s)];
  if (!primitive) {
    auto [file, names, body] = source(launch.kernel, columns, inputs);
    bool contiguous = false; // whether MLX makes operands contiguous
    auto block = block_of(launch.kernel);
    auto header = include(file) + bounds(block);
    int group = std::min(launch.threads, block.threads);
    auto function =
        mx::fast::cuda_kernel("schedule", names, {"out"}, "#undef " + kName + "\n" + body, header, contiguous);
    auto arrays = function(views,
                           {out.shape()},
                           {out.dtype()},
                           {launch.threads, 1, 1},
                           {group, 1, 1},
                           {},
                           std::nullopt,
                           /* verbose */ false,
                           s);
    primitive = arrays[0].primitive_ptr();
  }
  return *primitive;
}

} // namespace

Key key_of(const Launch& launch, const mx::array& out, mx::Stream s) {
  return {launch.kernel, s.index, launch.threads, launch.views[kStep].dtype().val(), out.dtype().val()};
}

void run(
    const Launch& launch, const std::vector<mx::array>& inputs, const Columns& columns, mx::array& out, mx::Stream s) {
  std::vector<mx::array> outputs = {out};
  launcher(launch, inputs, columns, out, s).eval_gpu(launch.views, outputs);
}

int threads_for(int64_t pieces, int each, int most) {
  int64_t threads = 32;
  while (threads < std::min<int64_t>(pieces, 1 << 30) && (threads < most || threads * each < pieces)) {
    threads *= 2;
  }
  return static_cast<int>(threads);
}

} // namespace mlx_schedules::cuda

std::string mlx_schedules::gpu_kernels() {
  return "compiled at first use by MLX, through NVRTC";
}
