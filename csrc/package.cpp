#include "package.h"

#include <dlfcn.h>

#include <climits>
#include <cstdlib>
#include <stdexcept>

namespace mlx_schedules {

const std::filesystem::path& package_folder() {
  static const auto folder = [] {
    Dl_info library;
    char path[PATH_MAX];
    if (!dladdr(reinterpret_cast<void*>(&package_folder), &library) || !realpath(library.dli_fname, path)) {
      throw std::runtime_error("[schedule] The folder of the package could not be found.");
    }
    return std::filesystem::path(path).parent_path().parent_path(); // from lib/
  }();
  return folder;
}

} // namespace mlx_schedules
