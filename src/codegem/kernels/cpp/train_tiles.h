// What the training kernels are made of: blocks of 32 × 32 sums of bfloat16 products, and the two orders in which
// AMX's tiles take their operands. Every size here is a multiple of 32.
//
// A left tile is 16 rows of 32 neighbouring columns, as they lie in a row-major matrix. A right tile has one row for
// two neighbouring rows of the matrix, which stand beside each other in 16 words. Transposing the words of one gives
// the other's tile of the transposed matrix, so a gradient of weights needs no transposed copy of whole matrices.
#pragma once

#include <cmath>

#include "lanes.h"
#include "scratch.h"
#include "threads.h"
#if defined(__AMX_BF16__)
#include "tiles.h"
#endif

namespace codegem {
namespace CODEGEM_SET {
namespace {

constexpr int kSide = 32;            // of a block of sums, and columns of a left tile
constexpr int kHalfSide = 16;
constexpr int kTileSize = 512;       // elements
constexpr int kBlockSums = kSide * kSide;

typedef std::uint16_t Half;          // a bfloat16
typedef float Wide __attribute__((vector_size(64)));
typedef std::int32_t WideInts __attribute__((vector_size(64)));
typedef std::uint32_t WideWords __attribute__((vector_size(64)));
typedef Half Halves __attribute__((vector_size(32)));

inline Wide wide(const float* from) {
    Wide x;
    std::memcpy(&x, from, sizeof x);
    return x;
}

inline void put(float* to, const Wide& x) { std::memcpy(to, &x, sizeof x); }

inline Wide wide(float x) { return x - Wide{}; }

// Sixteen bfloat16 as floats.
inline Wide wide(const Half* from) {
    Halves halves;
    std::memcpy(&halves, from, sizeof halves);
    return reinterpret_cast<Wide>(__builtin_convertvector(halves, WideWords) << 16);
}

inline Wide multiply_add(const Wide& a, const Wide& b, const Wide& c) {
#if defined(__AVX512F__)
    return _mm512_fmadd_ps(a, b, c);
#else
    return a * b + c;
#endif
}

inline Wide largest(const Wide& a, const Wide& b) {
#if defined(__AVX512F__)
    return _mm512_max_ps(a, b);
#else
    return a > b ? a : b;
#endif
}

// 2^x for x up to 0.
inline Wide power_of_two(const Wide& x) {
    Floats parts[kParts];
    std::memcpy(parts, &x, sizeof x);
    for (Floats& part : parts) part = exp2(part);
    Wide y;
    std::memcpy(&y, parts, sizeof y);
    return y;
}

inline Wide reciprocal(const Wide& x) {
#if defined(__AVX512F__)
    const Wide y = _mm512_rcp14_ps(x);
    return y * (2.0f - x * y);
#else
    return 1.0f / x;
#endif
}

inline float total(const Wide& x) {
    float sum = 0;
    for (int i = 0; i < 16; ++i) sum += x[i];
    return sum;
}

// Rounded to the nearest, ties to even, in the upper half of each word.
inline WideWords rounded(const Wide& x) {
    const WideWords words = reinterpret_cast<WideWords>(x);
    return x == x ? words + 0x7fffu + (words >> 16 & 1u) : words | 0x400000u;
}

// Sixteen floats to bfloat16.
inline void put(Half* to, const Wide& x) {
#if defined(__AVX512BF16__)
    const __m256i halves = reinterpret_cast<__m256i>(_mm512_cvtneps_pbh(x));
    std::memcpy(to, &halves, sizeof halves);
#else
    const Halves halves = __builtin_convertvector(rounded(x) >> 16, Halves);
    std::memcpy(to, &halves, sizeof halves);
#endif
}

// Two rows of sixteen floats to a row of a right tile.
inline void put_pairs(Half* to, const Wide& even, const Wide& odd) {
#if defined(__AVX512BF16__)
    alignas(64) static constexpr Half kOrder[32] = {0, 16, 1, 17, 2,  18, 3,  19, 4,  20, 5,  21, 6,  22, 7,  23,
                                                    8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31};
    const __m512i both = reinterpret_cast<__m512i>(_mm512_cvtne2ps_pbh(odd, even));
    const __m512i pairs = _mm512_permutexvar_epi16(_mm512_load_si512(kOrder), both);
    std::memcpy(to, &pairs, sizeof pairs);
#else
    const WideWords words = rounded(even) >> 16 | (rounded(odd) & 0xffff0000u);
    std::memcpy(to, &words, sizeof words);
#endif
}

// Rows of 32-bit words become columns: `to` may be `from`.
inline void transpose_words(const void* from, std::int64_t from_stride, void* to, std::int64_t to_stride) {
    const char* in = static_cast<const char*>(from);
    char* out = static_cast<char*>(to);
#if defined(__AVX512F__)
    __m512i x[16], y[16];
    for (int i = 0; i < 16; ++i) x[i] = _mm512_loadu_si512(in + i * from_stride);
    for (int i = 0; i < 16; i += 2) {
        y[i] = _mm512_unpacklo_epi32(x[i], x[i + 1]);
        y[i + 1] = _mm512_unpackhi_epi32(x[i], x[i + 1]);
    }
    for (int i = 0; i < 16; i += 4) {
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
        _mm512_storeu_si512(out + i * to_stride, _mm512_shuffle_i32x4(y[i], y[i + 8], 0x88));
        _mm512_storeu_si512(out + (i + 8) * to_stride, _mm512_shuffle_i32x4(y[i], y[i + 8], 0xdd));
    }
#else
    std::uint32_t words[16][16];
    for (int i = 0; i < 16; ++i) std::memcpy(words[i], in + i * from_stride, 64);
    for (int i = 0; i < 16; ++i) {
        std::uint32_t row[16];
        for (int j = 0; j < 16; ++j) row[j] = words[j][i];
        std::memcpy(out + i * to_stride, row, 64);
    }
#endif
}

// A right tile of 32 rows and 16 columns of a row-major matrix.
inline void pair_rows(const Half* from, std::int64_t stride, Half* tile) {
    for (int pair = 0; pair < kHalfSide; ++pair, from += 2 * stride, tile += kSide) {
        Halves even, odd;
        std::memcpy(&even, from, sizeof even);
        std::memcpy(&odd, from + stride, sizeof odd);
        const WideWords words = __builtin_convertvector(even, WideWords) | __builtin_convertvector(odd, WideWords) << 16;
        std::memcpy(tile, &words, sizeof words);
    }
}

// A right tile of the transposed matrix: of 16 rows and 32 columns of a row-major one.
inline void pair_columns(const Half* from, std::int64_t stride, Half* tile) {
    transpose_words(from, 2 * stride, tile, 64);
}

// A left tile of the transposed matrix: of 32 rows and 16 columns of a row-major one.
inline void turn_rows(const Half* from, std::int64_t stride, Half* tile) {
    pair_rows(from, stride, tile);
    transpose_words(tile, 64, tile, 64);
}

// Two left tiles, one below the other, and those to the right of them. Distances are in elements.
struct Left {
    const Half* at;
    std::int64_t row, tile, step;  // to the next row, the second tile, the next 32 columns
};

inline Left row_major(const Half* at, std::int64_t stride) { return {at, stride, kHalfSide * stride, kSide}; }

// Two right tiles, one beside the other, and those below.
struct Right {
    const Half* at;
    std::int64_t tile, step;
};

// Multiplies while it lives; every task needs its own, because tiles are a thread's.
class Multiplier {
  public:
#if defined(__AMX_BF16__)
    // sums[32, 32] = left · right, or more of them, over 32 · steps columns of the left.
    void operator()(const Left& left, const Right& right, std::int64_t steps, float* sums, std::int64_t stride,
                    bool add = false) const {
        const std::int64_t row = 4 * stride, left_row = 2 * left.row;
        float* const low = sums + kHalfSide * stride;
        if (add) {
            CODEGEM_TILE_LOAD(0, sums, row);
            CODEGEM_TILE_LOAD(1, sums + kHalfSide, row);
            CODEGEM_TILE_LOAD(2, low, row);
            CODEGEM_TILE_LOAD(3, low + kHalfSide, row);
        } else {
            CODEGEM_TILE_ZERO(0);
            CODEGEM_TILE_ZERO(1);
            CODEGEM_TILE_ZERO(2);
            CODEGEM_TILE_ZERO(3);
        }
        const Half *a = left.at, *b = right.at;
        for (; steps > 0; --steps, a += left.step, b += right.step) {
            CODEGEM_TILE_LOAD(4, a, left_row);
            CODEGEM_TILE_LOAD(6, b, 64);
            CODEGEM_TILE_LOAD(7, b + right.tile, 64);
            CODEGEM_TILE_DOT_BF16(0, 4, 6);
            CODEGEM_TILE_LOAD(5, a + left.tile, left_row);
            CODEGEM_TILE_DOT_BF16(1, 4, 7);
            CODEGEM_TILE_DOT_BF16(2, 5, 6);
            CODEGEM_TILE_DOT_BF16(3, 5, 7);
        }
        put_tile<0>(sums, row);
        put_tile<1>(sums + kHalfSide, row);
        put_tile<2>(low, row);
        put_tile<3>(low + kHalfSide, row);
    }

  private:
    template <int kTile>
    static void put_tile(float* to, std::int64_t row) {
        if constexpr (kTile == 0) asm volatile("tilestored %%tmm0, (%0,%1,1)" ::"r"(to), "r"(row) : "memory");
        if constexpr (kTile == 1) asm volatile("tilestored %%tmm1, (%0,%1,1)" ::"r"(to), "r"(row) : "memory");
        if constexpr (kTile == 2) asm volatile("tilestored %%tmm2, (%0,%1,1)" ::"r"(to), "r"(row) : "memory");
        if constexpr (kTile == 3) asm volatile("tilestored %%tmm3, (%0,%1,1)" ::"r"(to), "r"(row) : "memory");
    }

    Tiles tiles_{16, 64};
#else
    void operator()(const Left& left, const Right& right, std::int64_t steps, float* sums, std::int64_t stride,
                    bool add = false) const {
        constexpr int kRows = 4;
        for (int i = 0; i < kSide; i += kRows) {
            const Half* rows = left.at + i / kHalfSide * left.tile + i % kHalfSide * left.row;
            for (int side = 0; side < 2; ++side) {
                float* const to = sums + i * stride + side * kHalfSide;
                Wide made[kRows];
                for (int r = 0; r < kRows; ++r) made[r] = add ? wide(to + r * stride) : Wide{};
                for (std::int64_t step = 0; step < steps; ++step) {
                    const Half* b = right.at + side * right.tile + step * right.step;
                    for (int pair = 0; pair < kHalfSide; ++pair, b += kSide) {
                        WideWords words;
                        std::memcpy(&words, b, sizeof words);
                        const Wide even = reinterpret_cast<Wide>(words << 16);
                        const Wide odd = reinterpret_cast<Wide>(words & 0xffff0000u);
                        const Half* a = rows + step * left.step + 2 * pair;
                        for (int r = 0; r < kRows; ++r, a += left.row) {
                            made[r] = multiply_add(wide(widened(a[0])), even, made[r]);
                            made[r] = multiply_add(wide(widened(a[1])), odd, made[r]);
                        }
                    }
                }
                for (int r = 0; r < kRows; ++r) put(to + r * stride, made[r]);
            }
        }
    }
#endif
};

inline std::int64_t smaller(std::int64_t a, std::int64_t b) { return a < b ? a : b; }

// Rows of a task: up to 128, and fewer where threads would have nothing to do.
inline std::int64_t rows_of_task(std::int64_t rows) {
    std::int64_t size = 128;
    while (size > kSide && rows / size < 4 * thread_count()) size /= 2;
    return size;
}

// work(first row, rows) for all rows, in tasks.
template <typename Work>
inline void by_rows(std::int64_t rows, Work work) {
    const std::int64_t size = rows_of_task(rows);
    parallel(static_cast<int>((rows + size - 1) / size),
             [&](int task) { work(task * size, smaller(size, rows - task * size)); });
}

// Right tiles [outputs / 16, inputs / 32] of Wᵀ, from W [outputs, inputs]: for x · Wᵀ.
inline void pack_forward(const Half* weight, std::int64_t outputs, std::int64_t inputs, Half* tiles) {
    parallel(static_cast<int>(outputs / kHalfSide), [&](int task) {
        Half* to = tiles + task * inputs * kHalfSide;
        const Half* from = weight + task * kHalfSide * inputs;
        for (std::int64_t i = 0; i < inputs; i += kSide, to += kTileSize) pair_columns(from + i, inputs, to);
    });
}

// Right tiles [inputs / 16, outputs / 32] of W [outputs, inputs]: for y · W. `stride` tiles to the next 16 inputs.
inline void pack_backward(const Half* weight, std::int64_t outputs, std::int64_t inputs, Half* tiles, std::int64_t stride) {
    parallel(static_cast<int>(inputs / kHalfSide), [&](int task) {
        Half* to = tiles + task * stride * kTileSize;
        for (std::int64_t o = 0; o < outputs; o += kSide, to += kTileSize) {
            pair_rows(weight + o * inputs + task * kHalfSide, inputs, to);
        }
    });
}

// Two panels of 16 outputs of packed weights.
inline Right panels(const Half* tiles, std::int64_t panel, std::int64_t steps) {
    return {tiles + panel * steps * kTileSize, steps * kTileSize, kTileSize};
}

// Two rows of left tiles, [.., steps].
inline Left left_tiles(const Half* tiles, std::int64_t row, std::int64_t steps) {
    return {tiles + row * steps * kTileSize, kSide, steps * kTileSize, kTileSize};
}

// A gradient of weights, 32 columns of it: left [M, rows] times right [rows, N] in tiles [rows / 32, M / 16] and
// [rows / 32, N / 16], to out [M, N], or its transpose to out [N, M].
struct Gradient {
    const Half* left;
    const Half* right;
    std::int64_t rows, high, wide;
    Half* out;
    bool transposed;
    std::int64_t stride;  // of the right tiles' rows, in elements: N, or more

    // The 32 columns from `column` on; `sums` has [M, 32].
    void columns(const Multiplier& multiply, std::int64_t column, float* sums) const {
        constexpr std::int64_t kStretch = 16;
        const std::int64_t steps = rows / kSide, left_step = high * kSide, right_step = stride * kSide;
        for (std::int64_t step = 0; step < steps; step += kStretch) {
            const Right b{right + step * right_step + column / kHalfSide * kTileSize, kTileSize, right_step};
            for (std::int64_t m = 0; m < high; m += kSide) {
                const Left a{left + step * left_step + m / kHalfSide * kTileSize, kSide, kTileSize, left_step};
                multiply(a, b, smaller(kStretch, steps - step), sums + m * kSide, kSide, step > 0);
            }
        }
        for (std::int64_t m = 0; m < high; m += kHalfSide) write(m, column, sums + m * kSide);
    }

  private:
    void write(std::int64_t m, std::int64_t column, const float* sums) const {
        alignas(64) float turned[kHalfSide * kHalfSide];
        for (int side = 0; side < kSide; side += kHalfSide) {
            if (transposed) transpose_words(sums + side, 4 * kSide, turned, 64);
            for (int i = 0; i < kHalfSide; ++i) {
                Half* to = transposed ? out + (column + side + i) * high + m : out + (m + i) * wide + column + side;
                put(to, transposed ? wide_of(turned + i * kHalfSide) : wide_of(sums + i * kSide + side));
            }
        }
    }
    static Wide wide_of(const float* from) {  // `wide` is a size here
        Wide x;
        std::memcpy(&x, from, sizeof x);
        return x;
    }
};

// All of several gradients.
inline void make_gradients(const Gradient* gradients, int count) {
    std::int64_t tasks = 0;
    for (int i = 0; i < count; ++i) tasks += gradients[i].wide / kSide;
    parallel(static_cast<int>(tasks), [&](int task) {
        int which = 0;
        std::int64_t panel = task;
        while (panel >= gradients[which].wide / kSide) panel -= gradients[which++].wide / kSide;
        const Gradient& gradient = gradients[which];
        Scratch scratch(Scratch::size_of<float>(static_cast<std::size_t>(gradient.high * kSide)));
        gradient.columns(Multiplier(), panel * kSide, scratch.take<float>(static_cast<std::size_t>(gradient.high * kSide)));
    });
}

// Left tiles of the transpose of 32 rows of a row-major matrix.
inline void turn_block(const Half* from, std::int64_t width, Half* turned) {
    for (std::int64_t i = 0; i < width; i += kHalfSide, turned += kTileSize) turn_rows(from + i, width, turned);
}

// The RMSNorm x · r · (1 + scale), r = rsqrt(mean x² + eps), of one row, in bfloat16; `step` elements to the next 32
// columns of the result. Returns r.
inline float norm_row(const Half* x, const float* scale, std::int64_t width, float eps, Half* out, std::int64_t step) {
    Wide squares{};
    for (std::int64_t i = 0; i < width; i += kHalfSide) squares = multiply_add(wide(x + i), wide(x + i), squares);
    const float r = 1.0f / std::sqrt(total(squares) / static_cast<float>(width) + eps);
    for (std::int64_t i = 0; i < width; i += kHalfSide) {
        put(out + i / kSide * step + i % kSide, wide(x + i) * r * (wide(scale + i) + 1.0f));
    }
    return r;
}

// dx = dy + the norm's gradient for dn (float32), of one row; `d_scale` is added to.
inline void norm_row_backward(const Half* x, const float* scale, std::int64_t width, float eps, const float* dn,
                              const Half* dy, Half* dx, float* d_scale) {
    Wide squares{}, products{};
    for (std::int64_t i = 0; i < width; i += kHalfSide) {
        const Wide value = wide(x + i);
        squares = multiply_add(value, value, squares);
        products = multiply_add(value * wide(dn + i), wide(scale + i) + 1.0f, products);
    }
    const float inverse = 1.0f / static_cast<float>(width);
    const float r = 1.0f / std::sqrt(total(squares) * inverse + eps);
    const float along = total(products) * inverse * r * r;
    for (std::int64_t i = 0; i < width; i += kHalfSide) {
        const Wide value = wide(x + i), change = wide(dn + i);
        put(dx + i, wide(dy + i) + (change * (wide(scale + i) + 1.0f) - value * along) * r);
        put(d_scale + i, wide(d_scale + i) + change * value * r);
    }
}

}  // namespace
}  // namespace CODEGEM_SET
}  // namespace codegem
