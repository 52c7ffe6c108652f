// How fast this machine's cores together read memory: the yardstick for decoding, which reads every weight once
// a token. A worker of cpu.py: each line on standard input starts one pass over each of two buffers, answered with
// JSON: one with huge pages, where a core waits least for translations, and one with the system's ordinary pages.
//
//     memory_bandwidth MEBIBYTES THREADS

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <string>
#include <thread>
#include <vector>

#include <sys/mman.h>

namespace {

using Line = uint64_t __attribute__((vector_size(64)));

// Eight sums at a time, so that no addition waits for the one before it. Prefetching 1 KiB ahead adds a sixth to
// what the hardware's own prefetching reaches with huge pages, and nothing without them.
uint64_t total(const Line * from, const Line * to) {
    Line sums[8] = {};
    for (; from + 8 <= to; from += 8) {
        for (int i = 0; i < 8; ++i) __builtin_prefetch(from + i + 16);
        for (int i = 0; i < 8; ++i) sums[i] += from[i];
    }
    uint64_t sum = 0;
    for (const Line & part : sums) {
        for (int i = 0; i < 8; ++i) sum += part[i];
    }
    return sum;
}

double gigabytes_per_second(const Line * buffer, size_t lines, int threads) {
    std::vector<std::thread> workers;
    std::vector<uint64_t> sums(threads);
    const auto start = std::chrono::steady_clock::now();
    for (int t = 0; t < threads; ++t) {
        workers.emplace_back([=, &sums] { sums[t] = total(buffer + lines / threads * t, buffer + lines / threads * (t + 1)); });
    }
    for (std::thread & worker : workers) worker.join();
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
    uint64_t sum = 0;
    for (uint64_t part : sums) sum += part;
    if (sum == 1) fputs("", stderr);  // the sums are used, so they are computed
    return 64.0 * lines / took.count() / 1e9;
}

Line * filled(size_t lines, int advice) {
    void * memory = mmap(nullptr, lines * sizeof(Line), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) exit(1);
    madvise(memory, lines * sizeof(Line), advice);
    Line * buffer = static_cast<Line *>(memory);
    for (size_t i = 0; i < lines; ++i) buffer[i] = Line{i};
    return buffer;
}

}  // namespace

int main(int count, char ** words) {
    if (count != 3) {
        fprintf(stderr, "usage: memory_bandwidth MEBIBYTES THREADS\n");
        return 2;
    }
    const size_t lines = static_cast<size_t>(atoi(words[1])) * 1024 * 1024 / sizeof(Line);
    const int threads = atoi(words[2]);
    const Line * huge = filled(lines, MADV_HUGEPAGE);
    const Line * ordinary = filled(lines, MADV_NOHUGEPAGE);
    printf("{\"bytes\": %zu}\n", lines * sizeof(Line));
    fflush(stdout);
    for (std::string line; std::getline(std::cin, line);) {
        printf("{\"huge\": %.3f, \"ordinary\": %.3f}\n", gigabytes_per_second(huge, lines, threads),
               gigabytes_per_second(ordinary, lines, threads));
        fflush(stdout);
    }
    return 0;
}
