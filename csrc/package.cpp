#include "package.h"

#include <dlfcn.h>

#include <stdexcept>

namespace mlx_schedules {

const std::filesystem::path& package_folder() {
  static const auto folder = [] {
    Dl_info library;
    if (!dladdr(reinterpret_cast<void*>(&package_folder), &library)) {
      throw std::runtime_error("[schedule] The folder of the package could not be found.");
    }
    return std::filesystem::absolute(library.dli_fname).parent_path();
  }();
  return folder;
}

} // namespace mlx_schedules
