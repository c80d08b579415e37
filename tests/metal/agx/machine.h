// A kernel in machine code, as the emulated device calls it.
#pragma once
#include <cstdint>
#include <memory>
#include <string>

struct Slot { // one of its buffers, in the order of its parameters; a negative index ends the list
  int index, size, alignment;
};

class Kernel {
 public:
  // Its code lies in the folder, where `build` and its name put it at the first launch.
  Kernel(const std::string& name, const std::string& folder, const std::string& build, const Slot* slots);
  // Threads `first` to `last` of the grid.
  void run(const uint64_t* buffers, uint32_t width, uint32_t height, uint64_t first, uint64_t last) const;

 private:
  const Slot* slots_;
  std::shared_ptr<struct Programs> programs_;
};
