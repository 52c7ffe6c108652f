// Products with bfloat16 weights for a few rows, where the time is that of reading the weights. XLA's own product on
// CPUs reads them at a tenth of the memory's bandwidth or less. Compiled for every set of instructions.
#include "attention_vector.h"
#include "products.h"
#include "scratch.h"
#include "threads.h"

namespace codegem {
namespace CODEGEM_SET {
namespace {

constexpr int kPair = 2 * kLanes;  // bfloat16 in a vector
constexpr int kChains = 2;         // Sums of a row that do not wait for each other
constexpr int kOutputs = 2;        // Weight rows read together
#if defined(__AVX512F__) || defined(__ARM_NEON)
constexpr int kMostTogether = 4;  // Rows of x; 16 sums fit in 32 registers
#else
constexpr int kMostTogether = 2;
#endif
constexpr std::int64_t kAheadBytes = 3072;

// x with the even elements of every `kPair` before the odd ones, as they come out of a vector of bfloat16, and zeros
// behind the last.
void reorder(const float* x, std::int64_t width, std::int64_t padded, float* to) {
    std::memset(to + padded - kChains * kPair, 0, sizeof(float) * kChains * kPair);
    for (std::int64_t k = 0; k < width; ++k) {
        to[k / kPair * kPair + k % 2 * kLanes + k % kPair / 2] = x[k];
    }
}

inline Words load_words(const std::uint16_t* from) {
    Words words;
    std::memcpy(&words, from, sizeof words);
    return words;
}

inline float sum_of_lanes(Floats x) {
    float lanes[kLanes];
    store(lanes, x);
    for (int span = kLanes / 2; span > 0; span /= 2) {
        for (int i = 0; i < span; ++i) lanes[i] += lanes[i + span];
    }
    return lanes[0];
}

// The sums of kRows rows of x and kCount rows of the weight.
template <int kRows, int kCount>
struct Sums {
    Floats sums[kCount][kRows][kChains];
};

// Adds kChains vectors of each weight row, one to each chain.
template <int kRows, int kCount>
inline void add_step(Sums<kRows, kCount>& all, const std::uint16_t* weight, std::int64_t width, const float* x,
                     std::int64_t padded) {
#pragma GCC unroll 2
    for (int chain = 0; chain < kChains; ++chain) {
        Floats even[kCount], odd[kCount];
#pragma GCC unroll 2
        for (int n = 0; n < kCount; ++n) {
            const Words words = load_words(weight + n * width + chain * kPair);
            even[n] = reinterpret_cast<Floats>(words << 16);
            odd[n] = reinterpret_cast<Floats>(words & 0xffff0000u);
        }
#pragma GCC unroll 4
        for (int r = 0; r < kRows; ++r) {
            const float* from = x + r * padded + chain * kPair;
            const Floats first = load(from), second = load(from + kLanes);
#pragma GCC unroll 2
            for (int n = 0; n < kCount; ++n) {
                Floats& sum = all.sums[n][r][chain];
                sum = fma(odd[n], second, fma(even[n], first, sum));
            }
        }
    }
}

// out[r, n] for kRows rows of x and kCount rows of the weight. Each sum is made in the same order whatever the counts.
template <int kRows, int kCount>
void multiply(const std::uint16_t* weight, const float* x, std::int64_t width, std::int64_t padded, float* out,
              std::int64_t out_stride) {
    constexpr int kStep = kChains * kPair;
    Sums<kRows, kCount> all = {};
    std::int64_t k = 0;
    for (; k + kStep <= width; k += kStep) {
        for (int n = 0; n < kCount; ++n) {
            for (int line = 0; line < kStep; line += 32) {
                __builtin_prefetch(weight + n * width + k + line + kAheadBytes / 2, 0, 2);
            }
        }
        add_step(all, weight + k, width, x + k, padded);
    }
    if (k < width) {
        std::uint16_t rest[kCount * kStep] = {};
        for (int n = 0; n < kCount; ++n) {
            std::memcpy(rest + n * kStep, weight + n * width + k, sizeof(std::uint16_t) * static_cast<std::size_t>(width - k));
        }
        add_step(all, rest, kStep, x + k, padded);
    }
    for (int n = 0; n < kCount; ++n) {
        for (int r = 0; r < kRows; ++r) {
            Floats total = all.sums[n][r][0];
            for (int chain = 1; chain < kChains; ++chain) total += all.sums[n][r][chain];
            out[r * out_stride + n] = sum_of_lanes(total);
        }
    }
}

template <int kCount>
void multiply_rows(const std::uint16_t* weight, const float* x, const DenseProduct& call, std::int64_t padded,
                   float* out) {
    std::int64_t row = 0;
    const auto step = [&](auto rows) {
        constexpr int kRows = decltype(rows)::value;
        multiply<kRows, kCount>(weight, x + row * padded, call.width, padded, out + row * call.outputs, call.outputs);
        row += kRows;
    };
    while (call.rows - row >= kMostTogether) step(std::integral_constant<int, kMostTogether>());
    while (row < call.rows) step(std::integral_constant<int, 1>());
}

}  // namespace

void dense_product(const DenseProduct& call);

void dense_product(const DenseProduct& call) {
    const std::int64_t padded = (call.width + kChains * kPair - 1) / (kChains * kPair) * (kChains * kPair);
    if (call.width == 0) {
        std::memset(call.out, 0, sizeof(float) * static_cast<std::size_t>(call.rows * call.outputs));
        return;
    }
    Scratch scratch(Scratch::size_of<float>(static_cast<std::size_t>(call.rows * padded)));
    float* x = scratch.take<float>(static_cast<std::size_t>(call.rows * padded));
    for (std::int64_t row = 0; row < call.rows; ++row) {
        reorder(call.x + row * call.width, call.width, padded, x + row * padded);
    }
    // Some 64 KiB of weights a task.
    std::int64_t group = 32768 / call.width / kOutputs * kOutputs;
    group = group < kOutputs ? kOutputs : group;
    parallel(static_cast<int>((call.outputs + group - 1) / group), [&](int task) {
        std::int64_t n = task * group;
        const std::int64_t end = n + group < call.outputs ? n + group : call.outputs;
        for (; n + kOutputs <= end; n += kOutputs) {
            multiply_rows<kOutputs>(call.weight + n * call.width, x, call, padded, call.out + n);
        }
        for (; n < end; ++n) multiply_rows<1>(call.weight + n * call.width, x, call, padded, call.out + n);
    });
}

}  // namespace CODEGEM_SET
}  // namespace codegem
