// Memory that kernels use again and again: fresh pages from the system would cost more than some of the work.
#pragma once

#include <cstddef>

namespace codegem {

// At least `bytes` bytes at a multiple of 64, until the object ends. As many buffers exist as were ever leased at
// once, and each is as large as its largest use.
class Scratch {
  public:
    explicit Scratch(std::size_t bytes);
    ~Scratch();
    Scratch(const Scratch&) = delete;
    Scratch& operator=(const Scratch&) = delete;

    // The next `count` elements.
    template <typename T>
    T* take(std::size_t count) {
        T* taken = reinterpret_cast<T*>(memory_ + used_);
        used_ += size_of<T>(count);
        return taken;
    }

    // Bytes that `take` uses up.
    template <typename T>
    static constexpr std::size_t size_of(std::size_t count) {
        return (count * sizeof(T) + 63) / 64 * 64;
    }

  private:
    char* memory_;
    std::size_t bytes_;
    std::size_t used_ = 0;
};

}  // namespace codegem
