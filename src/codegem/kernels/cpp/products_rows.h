// A panel times a few rows of activations, straight from the codes: for decoding, where memory sets the time, and for
// processors without tiles.
#pragma once

#include "dots.h"

namespace codegem {
namespace CODEGEM_SET {
namespace {

// A panel of one weight.
struct Panel {
    const std::uint8_t* codes;
    const std::uint16_t* scales;
};

inline Panel panel_of(const Weight& weight, const Product& call, std::int64_t index) {
    return {weight.codes + index * call.columns * kPanel * weight.bits / 8,
            weight.scales + index * (call.columns / call.block) * kPanel};
}

// How far ahead codes are asked for, in bytes: to the second-level cache, which has more requests under way, and then to
// the first. Across the end of a panel the next one follows.
constexpr int kFar = 4096, kNear = 1024;

inline void prefetch(const std::uint8_t* codes, int bytes) {
    for (int i = 0; i < bytes; i += 64) {
        __builtin_prefetch(codes + kFar + i, 0, 2);
        __builtin_prefetch(codes + kNear + i);
    }
}

// out [kRows, 16] = rows `row` … row + kRows - 1, all in one tile, times the panel. The sums of blocks are added in
// the order of the blocks, each by one fused step: every way to this result takes the same steps.
template <int kRows, int kBits>
void multiply_rows(const Panel& panel, const Product& call, const Activations& activations, std::int64_t row,
                   float* out) {
    const std::uint8_t* codes = panel.codes;
    const std::int8_t* x = activations.row_codes(row);
    Lanes totals[kRows];
#pragma GCC unroll 8
    for (int r = 0; r < kRows; ++r) totals[r] = zero_lanes();
    std::int64_t column = 0;
    for (std::int64_t b = 0; b < activations.blocks; ++b) {
        const std::int64_t first = activations.index(row, b);
        Sums sums[kRows];
#pragma GCC unroll 8
        for (int r = 0; r < kRows; ++r) start<kBits>(sums[r], activations.corrections[first + r]);
        for (const std::int64_t end = column + call.block; column < end; column += kColumns) {
            prefetch(codes, kStepBytes<kBits>);
            add_columns<kRows, kBits>(codes, x + activations.offset(column), sums);
            codes += kStepBytes<kBits>;
        }
        const Lanes weight_scales = widened_lanes(panel.scales + b * kPanel);
        __builtin_prefetch(panel.scales + (b + activations.blocks) * kPanel);
#pragma GCC unroll 8
        for (int r = 0; r < kRows; ++r) {
            totals[r] = add_product(to_floats(sums[r]), times(weight_scales, activations.scales[first + r]), totals[r]);
        }
    }
#pragma GCC unroll 8
    for (int r = 0; r < kRows; ++r) store_lanes(out + r * kPanel, totals[r]);
}

typedef void (*MultiplyRows)(const Panel&, const Product&, const Activations&, std::int64_t, float*);

// multiply_rows for any number of rows up to kMostRows.
template <int kBits>
MultiplyRows multiply_rows_of(int rows) {
    static constexpr MultiplyRows kernels[] = {
        multiply_rows<1, kBits>, multiply_rows<2, kBits>, multiply_rows<3, kBits>, multiply_rows<4, kBits>,
#if defined(__AVX512VNNI__)
        multiply_rows<5, kBits>, multiply_rows<6, kBits>, multiply_rows<7, kBits>, multiply_rows<8, kBits>,
#endif
    };
    static_assert(sizeof kernels / sizeof kernels[0] == kMostRows);
    return kernels[rows - 1];
}

inline MultiplyRows multiply_rows_of(int bits, int rows) {
    return bits == 4 ? multiply_rows_of<4>(rows) : multiply_rows_of<8>(rows);
}

}  // namespace
}  // namespace CODEGEM_SET
}  // namespace codegem
