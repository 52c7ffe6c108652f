// Activations quantized for a product: 8 bits, a scale for each row and block.
#pragma once

#include <cmath>

#include "lanes.h"
#include "scratch.h"

namespace codegem {
namespace CODEGEM_SET {
namespace {

constexpr int kTileRows = 16, kTileColumns = 64;  // At most

// Rows of a tile: 16, or as many as there are, rounded up to a power of two.
inline int tile_height(std::int64_t rows) { return rows > 8 ? kTileRows : rows > 4 ? 8 : rows > 2 ? 4 : static_cast<int>(rows); }

// In tiles of some rows and 64 columns, each in one piece: a tile register's content, and rows that are multiplied
// together lie beside each other. Rows behind the last are 0.
struct Activations {
    std::int8_t* codes;         // [high, wide, height, 64]
    float* scales;              // [high, blocks, height]
    std::int32_t* corrections;  // [high, blocks, height]: -8 times the sum of a block's codes
    int height;
    std::int64_t high, wide, blocks;

    Activations(Scratch& scratch, std::int64_t rows, std::int64_t columns, int block)
        : height(tile_height(rows)),
          high((rows + height - 1) / height),
          wide((columns + kTileColumns - 1) / kTileColumns),
          blocks(columns / block) {
        const auto scales_size = static_cast<std::size_t>(high * blocks * height);
        codes = scratch.take<std::int8_t>(static_cast<std::size_t>(high * wide * tile_bytes()));
        scales = scratch.take<float>(scales_size);
        corrections = scratch.take<std::int32_t>(scales_size);
    }

    // Of scratch memory.
    static std::size_t bytes(std::int64_t rows, std::int64_t columns, int block) {
        const auto padded = static_cast<std::size_t>(rows + kTileRows - 1);
        const auto wide = static_cast<std::size_t>((columns + kTileColumns - 1) / kTileColumns);
        return Scratch::size_of<std::int8_t>(padded * wide * kTileColumns) +
               2 * Scratch::size_of<float>(padded * static_cast<std::size_t>(columns / block));
    }

    std::int64_t rows() const { return high * height; }

    std::int64_t tile_bytes() const { return height * kTileColumns; }

    std::int8_t* row_codes(std::int64_t row) const {
        return codes + row / height * wide * tile_bytes() + row % height * kTileColumns;
    }

    // From the first column of a row of tiles to `column`.
    std::int64_t offset(std::int64_t column) const {
        return column / kTileColumns * tile_bytes() + column % kTileColumns;
    }

    // In scales and corrections.
    std::int64_t index(std::int64_t row, std::int64_t block) const {
        return (row / height * blocks + block) * height + row % height;
    }
};

// rsqrt(mean x² + eps) of one row.
inline float norm_factor(const float* x, std::int64_t width, float eps) {
    constexpr int kChains = 64 / kLanes;
    Floats sums[kChains] = {};
    std::int64_t k = 0;
    for (; k + 64 <= width; k += 64) {
        for (int i = 0; i < kChains; ++i) {
            const Floats values = load(x + k + i * kLanes);
            sums[i] = fma(values, values, sums[i]);
        }
    }
    float total = 0;
    for (; k < width; ++k) total += x[k] * x[k];
    for (int i = 1; i < kChains; ++i) sums[0] += sums[i];
    total += sum_across(sums[0])[0];
    return 1.0f / std::sqrt(total / static_cast<float>(width) + eps);
}

// A row of x, behind the norm where there is one.
class RowReader {
  public:
    RowReader(const Product& call, std::int64_t row)
        : x_(call.x + row * call.width),
          norm_(call.norm),
          factor_(call.norm ? norm_factor(x_, call.width, call.eps) : 1.0f),
          width_(call.width) {}

    // The values from `column` on, and zeros behind the last.
    Floats lanes(std::int64_t column) const {
        if (column + kLanes <= width_) {
            const Floats value = load(x_ + column);
            return norm_ ? normed(value, load(norm_ + column)) : value;
        }
        Floats value{}, scale{};
        if (column < width_) {
            const std::size_t bytes = sizeof(float) * static_cast<std::size_t>(width_ - column);
            std::memcpy(&value, x_ + column, bytes);
            if (norm_) std::memcpy(&scale, norm_ + column, bytes);
        }
        return norm_ ? normed(value, scale) : value;
    }

  private:
    Floats normed(Floats value, Floats scale) const { return value * factor_ * (scale + 1.0f); }

    const float *x_, *norm_;
    float factor_;
    std::int64_t width_;
};

// The values of one block to `values`. Returns the largest magnitude, or NaN if a value is not finite.
inline float read_block(const RowReader& read, std::int64_t first, int block, float* values) {
    Floats top{}, faults{};
    for (int k = 0; k < block; k += kLanes) {
        const Floats value = read.lanes(first + k);
        top = larger(top, larger(value, -value));
        faults += value - value;
        store(values + k, value);
    }
    top = across_lanes(top, [](Floats a, Floats b) { return larger(a, b); });
    return (top + sum_across(faults))[0];
}

// One row. Adding 1.5 · 2^23 rounds to the nearest integer, ties to even, and leaves it in the low bits.
inline void quantize_row(const Product& call, std::int64_t row, const Activations& activations) {
    typedef std::int8_t Bytes __attribute__((vector_size(kLanes)));
    constexpr float kShift = 12582912.0f;
    const RowReader read(call, row);
    std::int8_t* codes = activations.row_codes(row);
    alignas(64) float values[128];
    for (std::int64_t b = 0; b < activations.blocks; ++b) {
        const std::int64_t first = b * call.block;
        const float top = read_block(read, first, call.block, values);
        // Below, 127/top would overflow; such a block is as good as 0. A NaN is passed on.
        const bool zero = top < 1e-30f;
        const float inverse = zero ? 0.0f : 127.0f / top;
        activations.scales[activations.index(row, b)] = zero ? 0.0f : top / 127.0f;
        Words sums{};
        for (int k = 0; k < call.block; k += kLanes) {
            const Floats shifted = load(values + k) * inverse + kShift;
            const Words rounded = reinterpret_cast<Words>(shifted) - 0x4b400000u;
            sums += rounded;
            const Bytes bytes = __builtin_convertvector(rounded, Bytes);
            std::memcpy(codes + activations.offset(first + k), &bytes, sizeof bytes);
        }
        activations.corrections[activations.index(row, b)] = static_cast<std::int32_t>(sum_across(sums)[0] * -8u);
    }
    if (call.columns % kTileColumns != 0) {
        std::memset(codes + activations.offset(call.columns), 0, kTileColumns - call.columns % kTileColumns);
    }
}

inline void clear_row(std::int64_t row, const Activations& activations) {
    for (std::int64_t i = 0; i < activations.wide; ++i) {
        std::memset(activations.row_codes(row) + i * activations.tile_bytes(), 0, kTileColumns);
    }
    for (std::int64_t b = 0; b < activations.blocks; ++b) {
        activations.scales[activations.index(row, b)] = 0;
        activations.corrections[activations.index(row, b)] = 0;
    }
}

}  // namespace
}  // namespace CODEGEM_SET
}  // namespace codegem
