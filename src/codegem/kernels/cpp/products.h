// Products with weights quantized in blocks; the layout is described in kernels/matrix.py and docs/KERNELS.md.
#pragma once

#include <cstdint>

namespace codegem {

constexpr int kPanel = 16;  // Output rows in a panel: one lane each.

// One quantized matrix and where its product goes.
struct Weight {
    const std::uint8_t* codes;
    const std::uint16_t* scales;  // bfloat16 [panels, columns / block, 16]
    std::int64_t rows;            // N; panels hold it rounded up to 16
    int bits;                     // 8 or 4
    float* out;                   // [T, N]
};

// What becomes of the sums.
enum class Finish { kStore, kAdd, kGeglu };

// One activation matrix times several weights of the same width and block.
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
};

// x [T, K] in float32 times bfloat16 weights [N, K], row-major.
struct DenseProduct {
    const float* x;
    const std::uint16_t* weight;
    float* out;               // [T, N]
    std::int64_t rows, width, outputs;
};

}  // namespace codegem
