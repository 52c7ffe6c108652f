// Products of activations with weights that are quantized in blocks, or bfloat16; the layouts are described in
// kernels/matrix.py and docs/KERNELS.md.
#pragma once

#include <cstdint>

namespace codegem {

constexpr int kPanel = 16;       // Output rows in a panel: one lane each.
constexpr int kDenseBlock = 32;  // Columns of bfloat16 that are multiplied together, which K is rounded up to.

// One matrix and where its product goes.
struct Weight {
    const std::uint8_t* codes;    // or bfloat16 [panels, columns / 2, 16, 2]
    const std::uint16_t* scales;  // bfloat16 [panels, columns / block, 16]; none with 16 bits
    std::int64_t rows;            // N; panels hold it rounded up to 16
    int bits;                     // 4 or 8; 16 is bfloat16
    float* out;                   // [T, N]

    std::int64_t panels() const { return (rows + kPanel - 1) / kPanel; }
};

// What becomes of the sums.
enum class Finish { kStore, kAdd, kGeglu };

// One activation matrix times several weights of the same width and block; all are bfloat16, or none.
struct Product {
    const float* x;           // [T, K]
    const float* norm;        // [K] of an RMSNorm before the products, or null
    const float* residual;    // [T, N] for kAdd
    const Weight* weights;
    int count;                // with kGeglu two, gate and up; the result goes to the first one's `out`
    std::int64_t rows;        // T
    std::int64_t first_row;   // of `residual` and the results, where row 0 of x belongs
    std::int64_t width;       // K as in x
    std::int64_t columns;     // K rounded up to a multiple of the block, as in the codes
    int block;                // 32, 64 or 128
    float eps;
    Finish finish;

    int results() const { return finish == Finish::kGeglu ? 1 : count; }
    bool dense() const { return weights[0].bits == 16; }
};

// x + down · (gelu(gate · n) · (up · n)), where n is x behind an RMSNorm.
struct Mlp {
    Product wide;    // gate and up, with kGeglu; the weights' `out` is left open
    Product narrow;  // down, with kAdd and the x of `wide` as its residual; its x is left open
};

}  // namespace codegem
