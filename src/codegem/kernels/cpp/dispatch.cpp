#include "dispatch.h"

#include <atomic>
#include <cstring>

#include "sets.h"
#include "threads.h"

#if defined(__x86_64__)
#include <cpuid.h>
#endif
#if defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#endif
#if defined(__linux__) && defined(__aarch64__)
#include <asm/hwcap.h>
#include <sys/auxv.h>
#endif

namespace codegem {

// sets.h is written by CMake: CODEGEM_SETS(F) is F(name) for every set that was compiled, best first.
#define CODEGEM_DECLARE(set) \
    namespace set {          \
    extern const Kernels table; \
    }
CODEGEM_SETS(CODEGEM_DECLARE)
#undef CODEGEM_DECLARE

namespace {

#if defined(__x86_64__)
bool cpuid_bit(unsigned leaf, unsigned subleaf, char which, int bit) {
    unsigned a = 0, b = 0, c = 0, d = 0;
    if (!__get_cpuid_count(leaf, subleaf, &a, &b, &c, &d)) return false;
    const unsigned value = which == 'a' ? a : which == 'b' ? b : which == 'c' ? c : d;
    return value >> bit & 1;
}

// Linux keeps the tiles' registers from a process until it asks for them (kernel documentation, x86/xstate).
bool may_use_tiles() {
#if defined(__linux__)
    constexpr long request_permission = 0x1023, tile_data = 18;
    return syscall(SYS_arch_prctl, request_permission, tile_data) == 0;
#else
    return false;
#endif
}

bool usable(const char* name) {
    __builtin_cpu_init();
    const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    const bool vnni = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
                      __builtin_cpu_supports("avx512vnni");
    if (std::strcmp(name, "portable") == 0) return true;
    if (std::strcmp(name, "avx2") == 0) return avx2;
    if (std::strcmp(name, "avxvnni") == 0) return avx2 && cpuid_bit(7, 1, 'a', 4);
    if (std::strcmp(name, "avx512vnni") == 0) return vnni;
    if (std::strcmp(name, "amx") == 0) {
        const bool int8 = cpuid_bit(7, 0, 'd', 24) && cpuid_bit(7, 0, 'd', 25);
        const bool bfloat16 = cpuid_bit(7, 0, 'd', 22) && cpuid_bit(7, 1, 'a', 5);
        return vnni && int8 && bfloat16 && may_use_tiles();
    }
    return false;
}
#else
bool usable(const char* name) {
    if (std::strcmp(name, "portable") == 0) return true;
#if defined(__linux__) && defined(__aarch64__)
    if (std::strcmp(name, "neon") == 0) return getauxval(AT_HWCAP) & HWCAP_ASIMDDP;
#elif defined(__APPLE__) && defined(__aarch64__)
    if (std::strcmp(name, "neon") == 0) return true;
#endif
    return false;
}
#endif

constexpr int kMost = 8;

struct Sets {
    const Kernels* found[kMost + 1] = {};
    Sets() {
        int count = 0;
#define CODEGEM_FIND(set) \
    if (usable(set::table.name)) found[count++] = &set::table;
        CODEGEM_SETS(CODEGEM_FIND)
#undef CODEGEM_FIND
    }
};

const Sets& sets() {
    static const Sets found;
    return found;
}

std::atomic<const Kernels*> chosen{nullptr};

}  // namespace

const Kernels& kernels() {
    const Kernels* set = chosen.load(std::memory_order_acquire);
    return set ? *set : *sets().found[0];
}

}  // namespace codegem

const char* codegem_instructions(int index) {
    if (index < 0 || index >= codegem::kMost) return nullptr;
    const codegem::Kernels* set = codegem::sets().found[index];
    return set ? set->name : nullptr;
}

int codegem_choose(const char* name) {
    for (const codegem::Kernels* const* set = codegem::sets().found; *set; ++set) {
        if (std::strcmp((*set)->name, name) == 0) {
            codegem::chosen.store(*set, std::memory_order_release);
            return 1;
        }
    }
    return 0;
}

const char* codegem_chosen() { return codegem::kernels().name; }

int codegem_threads() { return codegem::thread_count(); }
