// A block of keys by AMX's bfloat16 tiles (Intel's Architecture Instruction Set Extensions, chapter 3), for caches of
// bfloat16. Queries and weights are rounded to bfloat16 too; sums are float32.
//
// Logits are made as keys × queries, so that a tile of keys is read where it lies, a lane of the softmax is a query,
// and pairs of weights become a tile of queries × keys by one transposition of 32-bit words.
#pragma once

#include <immintrin.h>

#include <algorithm>

#include "attention_block.h"
#include "scratch.h"

namespace codegem {
namespace CODEGEM_SET {
namespace {

constexpr int kTile = 16;        // rows of a tile
constexpr int kTileBytes = 64;   // of one row
constexpr int kDepth = 32;       // bfloat16 in one row
constexpr int kTileSize = kTile * kDepth;

struct alignas(64) TileConfig {
    std::uint8_t palette, start_row, reserved[14];
    std::uint16_t row_bytes[16];
    std::uint8_t rows[16];
};

// All eight tiles whole. Constant, because GCC does not know that the instruction reads more than its first bytes.
constexpr TileConfig kWholeTiles = {1, 0, {}, {64, 64, 64, 64, 64, 64, 64, 64}, {16, 16, 16, 16, 16, 16, 16, 16}};

// Nor does GCC know that loading a tile reads memory: what was written must be there before.
inline void finish_writing() { asm volatile("" ::: "memory"); }

// Rows of 32-bit words become columns.
inline void transpose(__m512i (&x)[kTile]) {
    __m512i y[kTile];
    for (int i = 0; i < kTile; i += 2) {
        y[i] = _mm512_unpacklo_epi32(x[i], x[i + 1]);
        y[i + 1] = _mm512_unpackhi_epi32(x[i], x[i + 1]);
    }
    for (int i = 0; i < kTile; i += 4) {
        x[i] = _mm512_unpacklo_epi64(y[i], y[i + 2]);
        x[i + 1] = _mm512_unpackhi_epi64(y[i], y[i + 2]);
        x[i + 2] = _mm512_unpacklo_epi64(y[i + 1], y[i + 3]);
        x[i + 3] = _mm512_unpackhi_epi64(y[i + 1], y[i + 3]);
    }
    for (int i = 0; i < 4; ++i) {
        y[i] = _mm512_shuffle_i32x4(x[i], x[i + 4], 0x88);
        y[i + 4] = _mm512_shuffle_i32x4(x[i], x[i + 4], 0xdd);
        y[i + 8] = _mm512_shuffle_i32x4(x[i + 8], x[i + 12], 0x88);
        y[i + 12] = _mm512_shuffle_i32x4(x[i + 8], x[i + 12], 0xdd);
    }
    for (int i = 0; i < 8; ++i) {
        x[i] = _mm512_shuffle_i32x4(y[i], y[i + 8], 0x88);
        x[i + 8] = _mm512_shuffle_i32x4(y[i], y[i + 8], 0xdd);
    }
}

// Brings what is needed next into the cache of the second level, little by little while a block is worked on: memory is
// then never idle, and no load waits behind many others.
class Ahead {
  public:
    // The values of this block, if nobody asked for them, and then the next block's keys and values.
    Ahead(const Place& block, const Place& next) {
        if (!block.fetched) add(block, block.strip->values);
        if (next.strip) add(next, next.strip->keys), add(next, next.strip->values);
    }

    void fetch(int rows) {
        for (; rows > 0 && range_ < ranges_; --rows) {
            Range& range = range_of_[range_];
            for (std::int64_t i = 0; i < range.row_bytes; i += 64) _mm_prefetch(range.at + i, _MM_HINT_T1);
            range.at += range.step;
            if (--range.rows == 0) ++range_;
        }
    }

  private:
    struct Range {
        const char* at;
        std::int64_t row_bytes, step;
        int rows;
    };

    void add(const Place& place, const void* slots) {
        const std::int64_t step = 2 * place.strip->stride;
        range_of_[ranges_++] = {static_cast<const char*>(slots) + place.start * step, 2 * place.strip->head, step, place.keys()};
    }

    Range range_of_[3];
    int range_ = 0, ranges_ = 0;
};

struct TileBlocks {
    static constexpr int kColumnMultiple = kTile;
    static constexpr int kTogether = 2 * kTile;  // columns whose logits are made together

    struct Work {
        float* logits;           // [kBlock, kTogether]
        std::uint16_t* weights;  // [kColumns / 16, kBlock / kDepth] tiles of queries × keys
        std::uint16_t* values;   // [kBlock / kDepth, 2] tiles of pairs of keys × elements
        std::uint16_t* last;     // [kDepth, H]: the last keys and zeros
        float* mixed;            // [kTogether, kDepth]
        Floats old[kColumns / kTile], added[kColumns / kTile];  // factors of each column

        Work(Scratch& scratch, int head)
            : logits(scratch.take<float>(kBlock * kTogether)),
              weights(scratch.take<std::uint16_t>(kBlock * kColumns)),
              values(scratch.take<std::uint16_t>(kBlock * kDepth)),
              last(scratch.take<std::uint16_t>(rows_of(kDepth, head))),
              mixed(scratch.take<float>(kTogether * kDepth)) {
            _tile_loadconfig(&kWholeTiles);
        }
        ~Work() { _tile_release(); }
        Work(const Work&) = delete;
        Work& operator=(const Work&) = delete;

        static std::size_t bytes(int head) {
            return Scratch::size_of<float>((kBlock + kDepth) * kTogether) +
                   Scratch::size_of<std::uint16_t>(kBlock * (kColumns + kDepth)) +
                   Scratch::size_of<std::uint16_t>(rows_of(kDepth, head));
        }
        static std::size_t rows_of(int rows, int head) { return static_cast<std::size_t>(rows) * static_cast<std::size_t>(head); }
    };

    static bool fits(std::int64_t head) { return head % kDepth == 0; }

    static int width(int head) { return head; }

    static std::int64_t query_bytes(int head) { return static_cast<std::int64_t>(sizeof(std::uint16_t)) * head; }

    // Sixteen columns are tiles of pairs of elements × columns.
    static void pack_query(const float* query, const Strip& strip, std::int64_t column, char* packed) {
        auto* to = reinterpret_cast<std::uint32_t*>(packed + column / kTile * kTile * strip.query_bytes) + column % kTile;
        alignas(64) std::uint32_t pairs[kTile];
        for (int i = 0; i < strip.head; i += kDepth, to += kTile * kTile) {
            _mm512_store_si512(pairs, reinterpret_cast<__m512i>(_mm512_cvtne2ps_pbh(load(query + i + kTile), load(query + i))));
            for (int pair = 0; pair < kTile; ++pair) to[pair * kTile] = pairs[pair];
        }
    }

    static void attend(Work& work, const Place& block, const Place& next, std::int64_t column, int columns,
                       const Running& state) {
        Ahead ahead(block, next);
        for (int done = 0; done < columns; done += kTogether) {
            if (columns - done > kTile) {
                weigh<2>(work, block, ahead, column, done, state);
            } else {
                weigh<1>(work, block, ahead, column, done, state);
            }
        }
        for (int at = 0; at < block.strip->head; at += kDepth) {
            pack_values(work, block, at);
            for (int done = 0; done < columns; done += kTogether) {
                if (columns - done > kTile) {
                    mix<2>(work, block.keys(), ahead, at, done, columns, state);
                } else {
                    mix<1>(work, block.keys(), ahead, at, done, columns, state);
                }
            }
        }
    }

    static void finish(const Running& state, int column, int head, float* out) {
        const float scale = 1.0f / state.total[column];
        const float* from = state.out + column * state.out_stride;
        for (int i = 0; i < head; ++i) out[i] = from[i] * scale;
    }

  private:
    static const std::uint16_t* row(const void* slots, const Strip& strip, std::int64_t position) {
        return static_cast<const std::uint16_t*>(slots) + position * strip.stride;
    }

    // Of 32 elements of the values, two keys' go into one row of words; behind the last key there are zeros.
    static void pack_values(Work& work, const Place& block, int at) {
        alignas(64) std::uint16_t order[2][kDepth];
        for (int i = 0; i < kDepth; ++i) {
            order[0][i] = static_cast<std::uint16_t>(i / 2 + i % 2 * kDepth);
            order[1][i] = static_cast<std::uint16_t>(order[0][i] + kTile);
        }
        const __m512i low = _mm512_load_si512(order[0]), high = _mm512_load_si512(order[1]);
        const std::int64_t stride = block.strip->stride;
        const int keys = block.keys(), padded = (keys + kDepth - 1) / kDepth * kDepth;
        const std::uint16_t* from = row(block.strip->values, *block.strip, block.start) + at;
        std::uint16_t* to = work.values;
        for (int key = 0; key < padded; key += 2, from += 2 * stride, to += kDepth) {
            const __m512i a = key < keys ? _mm512_loadu_si512(from) : _mm512_setzero_si512();
            const __m512i b = key + 1 < keys ? _mm512_loadu_si512(from + stride) : _mm512_setzero_si512();
            _mm512_store_si512(to, _mm512_permutex2var_epi16(a, low, b));
            _mm512_store_si512(to + kTileSize, _mm512_permutex2var_epi16(a, high, b));
            if (key % kDepth == kDepth - 2) to += kTileSize;
        }
    }

    // Weights of kTiles times 16 columns, from `done` behind the unit's first one.
    template <int kTiles>
    static void weigh(Work& work, const Place& block, Ahead& ahead, std::int64_t column, int done, const Running& state) {
        const Strip& strip = *block.strip;
        const int keys = block.keys();
        const char* queries = strip.queries + (column + done) * strip.query_bytes;
        for (int key = 0; key < keys; key += kDepth) logits<kTiles>(work, block, ahead, queries, key);
        for (int tile = 0; tile < kTiles; ++tile) {
            const int first = done + tile * kTile;
            mask(work.logits + tile * kTile, strip, column + first, block.start, keys);
            softmax(work.logits + tile * kTile, keys, ahead, work.weights + first * kBlock, state.behind(first),
                    work.old[first / kTile], work.added[first / kTile]);
        }
    }

    // Logits of 32 keys.
    template <int kTiles>
    static void logits(Work& work, const Place& block, Ahead& ahead, const char* queries, int key) {
        const Strip& strip = *block.strip;
        const int count = std::min(kDepth, block.keys() - key);
        const std::uint16_t* keys = row(strip.keys, strip, block.start + key);
        std::int64_t row_bytes = 2 * strip.stride;
        if (count < kDepth) {
            const auto whole = Work::rows_of(1, strip.head);
            std::memset(work.last, 0, sizeof(std::uint16_t) * kDepth * whole);
            for (int i = 0; i < count; ++i) {
                std::memcpy(work.last + i * strip.head, keys + i * strip.stride, sizeof(std::uint16_t) * whole);
            }
            keys = work.last;
            row_bytes = 2 * strip.head;
        }
        const auto* more_keys = reinterpret_cast<const char*>(keys) + kTile * row_bytes;
        const char* more_queries = queries + kTile * strip.query_bytes;
        finish_writing();
        _tile_zero(0);
        _tile_zero(1);
        if constexpr (kTiles == 2) {
            _tile_zero(2);
            _tile_zero(3);
        }
        for (int i = 0; i < strip.head; i += kDepth) {
            ahead.fetch(2);
            _tile_loadd(4, keys + i, row_bytes);
            _tile_loadd(5, more_keys + 2 * i, row_bytes);
            _tile_loadd(6, queries + i * kTileBytes / 2, kTileBytes);
            _tile_dpbf16ps(0, 4, 6);
            _tile_dpbf16ps(1, 5, 6);
            if constexpr (kTiles == 2) {
                _tile_loadd(7, more_queries + i * kTileBytes / 2, kTileBytes);
                _tile_dpbf16ps(2, 4, 7);
                _tile_dpbf16ps(3, 5, 7);
            }
        }
        float* to = work.logits + key * kTogether;
        constexpr int kRow = sizeof(float) * kTogether;
        _tile_stored(0, to, kRow);
        _tile_stored(1, to + kTile * kTogether, kRow);
        if constexpr (kTiles == 2) {
            _tile_stored(2, to + kTile, kRow);
            _tile_stored(3, to + kTile * kTogether + kTile, kRow);
        }
    }

    // Logits of keys that a query does not see become -FLT_MAX.
    static void mask(float* logits, const Strip& strip, std::int64_t column, std::int64_t start, int keys) {
        const int padded = (keys + kDepth - 1) / kDepth * kDepth;
        const std::int64_t least = std::max<std::int64_t>(0, strip.visible(column, start));
        if (least >= padded) return;
        Ints visible;
        for (int i = 0; i < kTile; ++i) {
            visible[i] = static_cast<std::int32_t>(std::clamp<std::int64_t>(strip.visible(column + i, start), 0, keys));
        }
        for (int key = static_cast<int>(least); key < padded; ++key) {
            float* at = logits + key * kTogether;
            store(at, visible > key ? load(at) : splat(-FLT_MAX));
        }
    }

    // Turns logits into tiles of weights.
    static void softmax(const float* logits, int keys, Ahead& ahead, std::uint16_t* weights, const Running& state,
                        Floats& old, Floats& added) {
        const int padded = (keys + kDepth - 1) / kDepth * kDepth;
        Floats tops[2] = {splat(-FLT_MAX), splat(-FLT_MAX)}, sums[2] = {};
        for (int key = 0; key < padded; key += 2) {
            for (int i = 0; i < 2; ++i) tops[i] = larger(tops[i], load(logits + (key + i) * kTogether));
        }
        const Floats top = larger(tops[0], tops[1]);
        alignas(64) std::uint16_t order[kDepth];
        for (int i = 0; i < kDepth; ++i) order[i] = static_cast<std::uint16_t>(i / 2 + i % 2 * kTile);
        const __m512i interleave = _mm512_load_si512(order);
        for (int key = 0; key < padded; key += kDepth, weights += kTileSize) {
            ahead.fetch(8);
            __m512i pairs[kTile];
            for (int i = 0; i < kTile; ++i) {
                const float* at = logits + (key + 2 * i) * kTogether;
                const Floats first = exp2(load(at) - top), second = exp2(load(at + kTogether) - top);
                sums[0] += first;
                sums[1] += second;
                const __m512i both = reinterpret_cast<__m512i>(_mm512_cvtne2ps_pbh(second, first));
                pairs[i] = _mm512_permutexvar_epi16(interleave, both);
            }
            transpose(pairs);
            for (int i = 0; i < kTile; ++i) _mm512_store_si512(weights + i * kDepth, pairs[i]);
        }
        const Floats total = sums[0] + sums[1];
        if (state.empty) {
            store(state.top, top);
            store(state.total, total);
            return;
        }
        const Floats before = load(state.top), both = larger(top, before);
        old = exp2(before - both);
        added = exp2(top - both);
        store(state.top, both);
        store(state.total, fma(load(state.total), old, total * added));
    }

    // Weights times 32 elements of the values.
    template <int kTiles>
    static void mix(Work& work, int keys, Ahead& ahead, int at, int done, int columns, const Running& state) {
        finish_writing();
        _tile_zero(0);
        _tile_zero(1);
        if constexpr (kTiles == 2) {
            _tile_zero(2);
            _tile_zero(3);
        }
        const std::uint16_t* weights = work.weights + done * kBlock;
        const std::uint16_t* values = work.values;
        for (int key = 0; key < keys; key += kDepth, weights += kTileSize, values += 2 * kTileSize) {
            ahead.fetch(2);
            _tile_loadd(4, weights, kTileBytes);
            _tile_loadd(6, values, kTileBytes);
            _tile_loadd(7, values + kTileSize, kTileBytes);
            _tile_dpbf16ps(0, 4, 6);
            _tile_dpbf16ps(1, 4, 7);
            if constexpr (kTiles == 2) {
                _tile_loadd(5, weights + kBlock * kTile, kTileBytes);
                _tile_dpbf16ps(2, 5, 6);
                _tile_dpbf16ps(3, 5, 7);
            }
        }
        constexpr int kRow = sizeof(float) * kDepth;
        _tile_stored(0, work.mixed, kRow);
        _tile_stored(1, work.mixed + kTile, kRow);
        if constexpr (kTiles == 2) {
            _tile_stored(2, work.mixed + kTile * kDepth, kRow);
            _tile_stored(3, work.mixed + kTile * kDepth + kTile, kRow);
        }
        for (int c = 0; c < std::min(kTiles * kTile, columns - done); ++c) {
            const int tile = (done + c) / kTile;
            const Factors factors{work.old[tile][c % kTile], work.added[tile][c % kTile]};
            float* to = state.out + (done + c) * state.out_stride + at;
            merge(state, to, load(work.mixed + c * kDepth), factors);
            merge(state, to + kTile, load(work.mixed + c * kDepth + kTile), factors);
        }
    }
};

}  // namespace
}  // namespace CODEGEM_SET
}  // namespace codegem
