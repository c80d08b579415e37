// Memory that the process keeps between calls.
#pragma once

#include <array>
#include <atomic>
#include <memory>
#include <new>
#include <utility>

namespace mlx_schedules::cpu {

// Makes a T in memory that an earlier call has given back, if there is any. A large T on the stack of a new thread or
// on the heap would lie on new pages, whose faults took a tenth of the time of 10^6 steps. There are no locks, so that
// a fork cannot leave one held.
template <typename T>
class Kept {
 public:
  template <typename... Arguments>
  static auto make(Arguments&&... arguments) {
    std::unique_ptr<void, decltype(&give)> memory(take(), give);
    T* made = new (memory.get()) T(std::forward<Arguments>(arguments)...);
    memory.release();
    return std::unique_ptr<T, decltype(&end)>(made, end);
  }

 private:
  static void* take() {
    for (auto& slot : free_) {
      if (void* memory = slot.exchange(nullptr)) {
        return memory;
      }
    }
    return operator new(sizeof(T), std::align_val_t(alignof(T)));
  }

  static void give(void* memory) {
    for (auto& slot : free_) {
      void* none = nullptr;
      if (slot.compare_exchange_strong(none, memory)) {
        return;
      }
    }
    operator delete(memory, std::align_val_t(alignof(T)));
  }

  static void end(T* made) {
    made->~T();
    give(made);
  }

  static inline std::array<std::atomic<void*>, 64> free_{};
};

} // namespace mlx_schedules::cpu
