#include "threads.h"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <system_error>
#include <thread>

#if defined(__linux__)
#include <sched.h>
#endif
#if defined(__unix__) || defined(__APPLE__)
#include <pthread.h>
#endif

namespace codegem {
namespace {

// A product of the 2B takes 50 to 700 µs and the next one starts some µs later: awake workers save a system call
// at each. Between tokens of a slow reader they sleep.
constexpr std::chrono::microseconds kSpin{50};

int allowed_processors() {
#if defined(__linux__)
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0) return CPU_COUNT(&set);
#endif
    const unsigned count = std::thread::hardware_concurrency();
    return count > 0 ? static_cast<int>(count) : 1;
}

std::atomic<bool> given_up{false};

inline void pause() {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    asm volatile("yield");
#endif
}

class Pool {
  public:
    explicit Pool(int threads) {
        try {
            for (; threads_ < threads; ++threads_) std::thread([this] { serve(); }).detach();
        } catch (const std::system_error&) {
            // The system gives no more threads: those that started do the work.
        }
    }

    int threads() const { return threads_; }

    void run(int tasks, void (*work)(void*, int), void* context) {
        if (tasks <= 1 || threads_ == 1 || busy_.exchange(true)) {
            for (int task = 0; task < tasks && !given_up.load(std::memory_order_relaxed); ++task) work(context, task);
            return;
        }
        tasks_ = tasks, work_ = work, context_ = context;
        next_.store(0);
        open_.store(true);
        round_.fetch_add(1);
        if (asleep_.load() > 0) {
            { std::lock_guard<std::mutex> lock(mutex_); }
            wake_.notify_all();
        }
        take_tasks();
        // Who joins from here on sees a closed round; who joined before is waited for.
        open_.store(false);
        for (int spins = 0; working_.load() > 0; ++spins) {
            if (spins < 20000) {
                pause();
            } else {
                std::this_thread::yield();
            }
        }
        busy_.store(false);
    }

  private:
    void take_tasks() {
        for (int task; (task = next_.fetch_add(1)) < tasks_ && !given_up.load(std::memory_order_relaxed);) {
            work_(context_, task);
        }
    }

    void serve() {
        unsigned seen = 0;
        while (true) {
            wait_for_round(seen);
            seen = round_.load();
            working_.fetch_add(1);
            if (open_.load()) take_tasks();
            working_.fetch_sub(1);
        }
    }

    void wait_for_round(unsigned seen) {
        const auto until = std::chrono::steady_clock::now() + kSpin;
        do {
            for (int i = 0; i < 64; ++i) {
                if (round_.load(std::memory_order_acquire) != seen) return;
                pause();
            }
        } while (std::chrono::steady_clock::now() < until);
        std::unique_lock<std::mutex> lock(mutex_);
        asleep_.fetch_add(1);
        wake_.wait(lock, [&] { return round_.load() != seen; });
        asleep_.fetch_sub(1);
    }

    int threads_ = 1;
    std::atomic<bool> busy_{false};
    int tasks_ = 0;
    void (*work_)(void*, int) = nullptr;
    void* context_ = nullptr;
    // On lines of their own: the counter is written at every task, the round is watched by who waits.
    alignas(64) std::atomic<int> next_{0};
    alignas(64) std::atomic<unsigned> round_{0};
    alignas(64) std::atomic<int> working_{0};
    std::atomic<bool> open_{false};
    alignas(64) std::atomic<int> asleep_{0};
    std::mutex mutex_;
    std::condition_variable wake_;
};

std::atomic<Pool*> current{nullptr};
std::mutex starting;

// Never destroyed: its threads may wait when the process ends. A child made by fork has none of the threads and
// starts a pool of its own.
Pool& pool() {
    if (Pool* made = current.load(std::memory_order_acquire)) return *made;
    std::lock_guard<std::mutex> lock(starting);
    if (Pool* made = current.load()) return *made;
#if defined(__unix__) || defined(__APPLE__)
    static const int hook = pthread_atfork(
        [] { starting.lock(); }, [] { starting.unlock(); },
        [] {
            current.store(nullptr);
            starting.unlock();
        });
    static_cast<void>(hook);
#endif
    Pool* made = new Pool(allowed_processors());
    current.store(made, std::memory_order_release);
    return *made;
}

}  // namespace

int thread_count() { return pool().threads(); }

void run_tasks(int tasks, void (*work)(void*, int), void* context) { pool().run(tasks, work, context); }

}  // namespace codegem

void codegem_give_up(int yes) { codegem::given_up.store(yes != 0, std::memory_order_relaxed); }
