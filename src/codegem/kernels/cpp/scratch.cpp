#include "scratch.h"

#include <mutex>
#include <new>
#include <tuple>
#include <utility>
#include <vector>

namespace codegem {
namespace {

constexpr std::align_val_t kAlignment{64};

struct Free {
    std::mutex mutex;
    std::vector<std::pair<char*, std::size_t>> buffers;
};

// Never destroyed: a kernel may run while the process ends.
Free& free_buffers() {
    static Free* made = new Free;
    return *made;
}

}  // namespace

Scratch::Scratch(std::size_t bytes) : memory_(nullptr), bytes_(0) {
    Free& all = free_buffers();
    {
        std::lock_guard<std::mutex> lock(all.mutex);
        // The smallest that is large enough; else the largest, to be replaced.
        std::size_t best = all.buffers.size();
        for (std::size_t i = 0; i < all.buffers.size(); ++i) {
            if (best == all.buffers.size()) {
                best = i;
                continue;
            }
            const std::size_t size = all.buffers[i].second, chosen = all.buffers[best].second;
            if (chosen < bytes ? size > chosen : size >= bytes && size < chosen) best = i;
        }
        if (best < all.buffers.size()) {
            std::tie(memory_, bytes_) = all.buffers[best];
            all.buffers[best] = all.buffers.back();
            all.buffers.pop_back();
        }
    }
    if (bytes_ >= bytes) return;
    ::operator delete(memory_, kAlignment);
    memory_ = static_cast<char*>(::operator new(bytes, kAlignment));
    bytes_ = bytes;
}

Scratch::~Scratch() {
    Free& all = free_buffers();
    std::lock_guard<std::mutex> lock(all.mutex);
    all.buffers.emplace_back(memory_, bytes_);
}

}  // namespace codegem
