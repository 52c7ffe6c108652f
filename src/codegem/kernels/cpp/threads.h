// One pool of threads for all kernels: as many as this process may run on, the caller among them.
#pragma once

namespace codegem {

// How many threads `parallel` uses.
int thread_count();

// Runs work(context, task) for task = 0 … tasks-1, each once, in any order, and returns when all are done.
// Two callers at once are safe: the second one does its tasks alone.
void run_tasks(int tasks, void (*work)(void* context, int task), void* context);

// run_tasks for a lambda. Static, because this header is compiled once for each instruction set, and the linker
// must never take one set's copy for another's.
template <typename Work>
static inline void parallel(int tasks, Work work) {
    run_tasks(tasks, [](void* context, int task) { (*static_cast<Work*>(context))(task); }, &work);
}

}  // namespace codegem

extern "C" {
#pragma GCC visibility push(default)
// While it is set, tasks that have not begun are left out, so that whatever runs ends at once; what it computed is not
// to be used.
void codegem_give_up(int yes);
#pragma GCC visibility pop
}
