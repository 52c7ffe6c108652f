// A block of keys in float32 arithmetic, for caches of float32 or bfloat16 on every processor.
#pragma once

#include <algorithm>

#include "attention_block.h"
#include "scratch.h"

namespace codegem {
namespace CODEGEM_SET {
namespace {

// Two vectors at once, because two bfloat16 lie in one word: its halves give the even and the odd elements, without
// a shuffle. Queries and results lie in the same order while they are worked on.
inline void load_two(const float* from, Floats& first, Floats& second) {
    first = load(from);
    second = load(from + kLanes);
}

inline void load_two(const std::uint16_t* from, Floats& first, Floats& second) {
    Words words;
    std::memcpy(&words, from, sizeof words);
    first = reinterpret_cast<Floats>(words << 16);
    second = reinterpret_cast<Floats>(words & 0xffff0000u);
}

// Where element i of a row lies in the order of `load_two`.
inline int place(const float*, int i) { return i; }

inline int place(const std::uint16_t*, int i) {
    return i / (2 * kLanes) * (2 * kLanes) + i % 2 * kLanes + i % (2 * kLanes) / 2;
}

#if defined(__AVX512F__) || defined(__ARM_NEON)
constexpr int kQueries = 4;  // Columns whose sums are held in registers together: 32 registers
#else
constexpr int kQueries = 2;  // 16 registers
#endif
constexpr int kScoreKeys = kLanes > 4 * kQueries ? kLanes / kQueries : 4;

// Slots whose rows are a whole number of vector pairs are read where they lie.
template <typename Slot>
struct FloatBlocks {
    static constexpr int kColumnMultiple = 1;

    struct Work {
        explicit Work(Scratch&, int) {}
        static std::size_t bytes(int) { return 0; }
    };

    static bool fits(std::int64_t head) { return head % (2 * kLanes) == 0; }

    static int width(int head) { return head; }

    static std::int64_t query_bytes(int head) { return static_cast<std::int64_t>(sizeof(float)) * head; }

    static void pack_query(const float* query, const Strip& strip, std::int64_t column, char* packed) {
        float* to = reinterpret_cast<float*>(packed + column * strip.query_bytes);
        for (int i = 0; i < strip.head; ++i) to[place(static_cast<Slot*>(nullptr), i)] = query[i];
    }

    static void attend(Work&, const Place& block, const Place&, std::int64_t column, int columns, const Running& state) {
        const Strip& strip = *block.strip;
        const Rows rows{static_cast<const Slot*>(strip.keys) + block.start * strip.stride,
                        static_cast<const Slot*>(strip.values) + block.start * strip.stride, strip.stride, strip.head};
        attend_rows(rows, block, column, columns, state);
    }

    static void finish(const Running& state, int column, int head, float* out) {
        const float scale = 1.0f / state.total[column];
        const float* from = state.out + column * state.out_stride;
        for (int i = 0; i < head; ++i) out[i] = from[place(static_cast<Slot*>(nullptr), i)] * scale;
    }

    // Keys and values of a block.
    struct Rows {
        const Slot* keys;
        const Slot* values;
        std::int64_t stride;
        int width;
    };

    static void attend_rows(const Rows& rows, const Place& block, std::int64_t column, int columns,
                            const Running& state) {
        int done = 0;
        for (; done + kQueries <= columns; done += kQueries) {
            attend_few<kQueries, kScoreKeys, 4>(rows, block, column + done, state.behind(done));
        }
        for (; done < columns; ++done) {
            attend_few<1, kLanes, 8>(rows, block, column + done, state.behind(done));
        }
    }

  private:
    // kCount columns; logits are made for kKeys keys at a time, sums of values for kVectors vectors at a time.
    template <int kCount, int kKeys, int kVectors>
    static void attend_few(const Rows& rows, const Place& block, std::int64_t column, const Running& state) {
        const Strip& strip = *block.strip;
        const int keys = block.keys();
        alignas(64) float weights[kCount][kBlock];
        const float* queries[kCount];
        for (int c = 0; c < kCount; ++c) {
            queries[c] = reinterpret_cast<const float*>(strip.queries + (column + c) * strip.query_bytes);
        }
        for (int key = 0; key < keys; key += kKeys) logits<kCount, kKeys>(queries, rows, key, keys, weights);
        Factors factors[kCount];
        for (int c = 0; c < kCount; ++c) {
            const auto seen = std::clamp<std::int64_t>(strip.visible(column + c, block.start), 0, keys);
            factors[c] = softmax(weights[c], static_cast<int>(seen), keys, state.behind(c));
        }
        int at = 0;
        for (; at + kVectors * kLanes <= rows.width; at += kVectors * kLanes) {
            add_values<kCount, kVectors>(weights, rows, at, keys, factors, state);
        }
        for (; at < rows.width; at += 2 * kLanes) add_values<kCount, 2>(weights, rows, at, keys, factors, state);
    }

    template <int kCount, int kKeys>
    static void logits(const float* const* queries, const Rows& rows, int key, int keys, float (*logits)[kBlock]) {
        static_assert(kCount * kKeys % kLanes == 0);
        Floats sums[kCount * kKeys] = {};
        const Slot* from[kKeys];
        // Behind the last key it is read again; what comes of it is masked.
        for (int i = 0; i < kKeys; ++i) from[i] = rows.keys + std::min(key + i, keys - 1) * rows.stride;
        for (int at = 0; at < rows.width; at += 2 * kLanes) {
            Floats first[kKeys], second[kKeys];
            for (int i = 0; i < kKeys; ++i) load_two(from[i] + at, first[i], second[i]);
            for (int c = 0; c < kCount; ++c) {
                const Floats even = load(queries[c] + at), odd = load(queries[c] + at + kLanes);
                for (int i = 0; i < kKeys; ++i) {
                    sums[c * kKeys + i] = fma(second[i], odd, fma(first[i], even, sums[c * kKeys + i]));
                }
            }
        }
        alignas(64) float folded[kCount * kKeys];
        for (int i = 0; i < kCount * kKeys; i += kLanes) {
            Floats part[kLanes];
            std::memcpy(part, sums + i, sizeof part);
            store(folded + i, fold(part));
        }
        for (int c = 0; c < kCount; ++c) std::memcpy(logits[c] + key, folded + c * kKeys, sizeof(float) * kKeys);
    }

    // Turns the logits of a block into weights; those behind the `seen` visible keys become 0.
    static Factors softmax(float* logits, int seen, int keys, const Running& state) {
        const int padded = (keys + kLanes - 1) / kLanes * kLanes;
        for (int i = seen; i < padded; ++i) logits[i] = -FLT_MAX;
        Floats tops = splat(-FLT_MAX), sums{};
        for (int i = 0; i < padded; i += kLanes) tops = larger(tops, load(logits + i));
        const float largest = largest_lane(tops);
        for (int i = 0; i < padded; i += kLanes) {
            const Floats weights = exp2(load(logits + i) - largest);
            store(logits + i, weights);
            sums += weights;
        }
        float sum = 0;
        for (int i = 0; i < kLanes; ++i) sum += sums[i];
        if (!state.empty) return merge(largest, sum, *state.top, *state.total);
        *state.top = largest;
        *state.total = sum;
        return {};
    }

    template <int kCount, int kVectors>
    static void add_values(const float (*weights)[kBlock], const Rows& rows, int at, int keys, const Factors* factors,
                           const Running& state) {
        Floats sums[kCount][kVectors] = {};
        for (int key = 0; key < keys; ++key) {
            Floats value[kVectors];
            for (int i = 0; i < kVectors; i += 2) {
                load_two(rows.values + key * rows.stride + at + i * kLanes, value[i], value[i + 1]);
            }
            for (int c = 0; c < kCount; ++c) {
                const Floats weight = splat(weights[c][key]);
                for (int i = 0; i < kVectors; ++i) sums[c][i] = fma(weight, value[i], sums[c][i]);
            }
        }
        for (int c = 0; c < kCount; ++c) {
            for (int i = 0; i < kVectors; ++i) {
                merge(state, state.out + c * state.out_stride + at + i * kLanes, sums[c][i], factors[c]);
            }
        }
    }
};

// Rows of any even length: they are copied as float32, with zeros up to a whole number of vector pairs.
template <typename Slot>
struct CopiedBlocks : FloatBlocks<float> {
    struct Work {
        float* keys;
        float* values;

        Work(Scratch& scratch, int head)
            : keys(scratch.take<float>(elements(head))), values(scratch.take<float>(elements(head))) {
            std::memset(keys, 0, sizeof(float) * elements(head));
            std::memset(values, 0, sizeof(float) * elements(head));
        }
        static std::size_t bytes(int head) { return 2 * Scratch::size_of<float>(elements(head)); }
        static std::size_t elements(int head) { return static_cast<std::size_t>(kBlock) * static_cast<std::size_t>(width(head)); }
    };

    static int width(int head) { return (head + 2 * kLanes - 1) / (2 * kLanes) * (2 * kLanes); }

    static std::int64_t query_bytes(int head) { return static_cast<std::int64_t>(sizeof(float)) * width(head); }

    static void pack_query(const float* query, const Strip& strip, std::int64_t column, char* packed) {
        float* to = reinterpret_cast<float*>(packed + column * strip.query_bytes);
        std::memcpy(to, query, sizeof(float) * static_cast<std::size_t>(strip.head));
        std::memset(to + strip.head, 0, sizeof(float) * static_cast<std::size_t>(width(strip.head) - strip.head));
    }

    static void attend(Work& work, const Place& block, const Place&, std::int64_t column, int columns,
                       const Running& state) {
        const Strip& strip = *block.strip;
        const int row = width(strip.head);
        for (int key = 0; key < block.keys(); ++key) {
            const std::int64_t from = (block.start + key) * strip.stride;
            read_slot(static_cast<const Slot*>(strip.keys) + from, strip.head, work.keys + key * row);
            read_slot(static_cast<const Slot*>(strip.values) + from, strip.head, work.values + key * row);
        }
        attend_rows({work.keys, work.values, row, row}, block, column, columns, state);
    }

  private:
    static void read_slot(const float* slot, int count, float* x) {
        std::memcpy(x, slot, sizeof(float) * static_cast<std::size_t>(count));
    }

    static void read_slot(const std::uint16_t* slot, int count, float* x) {
        for (int i = 0; i < count; ++i) x[i] = widened(slot[i]);
    }
};

}  // namespace
}  // namespace CODEGEM_SET
}  // namespace codegem
