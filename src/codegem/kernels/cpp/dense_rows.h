// Panels of bfloat16 times rows of activations in float32, by vectors of any width: for processors without tiles.
//
// A word of a panel holds two neighbouring columns of an output, so that a shift and a mask make floats of both. Each
// output has a sum of its even columns and one of its odd ones, whatever the number of rows.
#pragma once

#include "activations.h"

namespace codegem {
namespace CODEGEM_SET {
namespace {

#if defined(__AVX512F__)
constexpr int kDenseRows = 8;  // Rows whose sums are held in registers together
#elif defined(__AVX2__) || defined(__ARM_NEON)
constexpr int kDenseRows = 3;
#else
constexpr int kDenseRows = 1;
#endif

// Rows of float32, behind the norm where there is one, with zeros up to a whole number of steps.
class DenseInputs {
  public:
    DenseInputs(Scratch& scratch, std::int64_t rows, std::int64_t columns)
        : rows_(rows), columns_(columns), values_(scratch.take<float>(static_cast<std::size_t>(rows * columns))) {}

    static std::size_t bytes(std::int64_t rows, std::int64_t columns) {
        return Scratch::size_of<float>(static_cast<std::size_t>(rows * columns));
    }

    std::int64_t rows() const { return rows_; }
    std::int64_t columns() const { return columns_; }
    const float* row(std::int64_t row) const { return values_ + row * columns_; }

    // Sixteen values of a row from `column` on, a multiple of sixteen.
    void set(std::int64_t row, std::int64_t column, const Lanes& values) const {
        store_lanes(values_ + row * columns_ + column, values);
    }

  private:
    std::int64_t rows_, columns_;
    float* values_;
};

template <int kRows>
inline void multiply_dense_rows(const std::uint16_t* weights, const DenseInputs& inputs, std::int64_t row, float* out) {
    const float* x = inputs.row(row);
    const std::int64_t columns = inputs.columns();
    Lanes even[kRows], odd[kRows];
#pragma GCC unroll 8
    for (int r = 0; r < kRows; ++r) even[r] = odd[r] = zero_lanes();
    for (std::int64_t k = 0; k < columns; k += 2, weights += 2 * kPanel) {
        __builtin_prefetch(weights + 2048, 0, 2);
        __builtin_prefetch(weights + 512);
#pragma GCC unroll 4
        for (int i = 0; i < kParts; ++i) {
            Words words;
            std::memcpy(&words, weights + 2 * kLanes * i, sizeof words);
            const Floats first = reinterpret_cast<Floats>(words << 16);
            const Floats second = reinterpret_cast<Floats>(words & 0xffff0000u);
#pragma GCC unroll 8
            for (int r = 0; r < kRows; ++r) {
                even[r].part[i] = fma(first, splat(x[r * columns + k]), even[r].part[i]);
                odd[r].part[i] = fma(second, splat(x[r * columns + k + 1]), odd[r].part[i]);
            }
        }
    }
#pragma GCC unroll 8
    for (int r = 0; r < kRows; ++r) {
        for (int i = 0; i < kParts; ++i) even[r].part[i] += odd[r].part[i];
        store_lanes(out + r * kPanel, even[r]);
    }
}

// Panels first … first + count - 1 of a weight, and those of the second one for GeGLU, times all rows. The sums go to
// `sink` some rows of a panel at a time.
template <typename Sink>
class DenseRun {
  public:
    DenseRun(const Product& call, const DenseInputs& inputs, const Weight& weight, const Sink& sink)
        : inputs_(inputs), weight_(weight), sink_(sink), each_(call.finish == Finish::kGeglu ? 2 : 1) {}

    void run(std::int64_t first, std::int64_t count) const {
        for (std::int64_t panel = first; panel < first + count; ++panel) {
            std::int64_t row = 0;
            for (; row + kDenseRows <= inputs_.rows(); row += kDenseRows) run_rows<kDenseRows>(panel, row);
            for (; row < inputs_.rows(); ++row) run_rows<1>(panel, row);
        }
    }

  private:
    template <int kRows>
    void run_rows(std::int64_t panel, std::int64_t row) const {
        alignas(64) float sums[2][kRows * kPanel];
        for (int i = 0; i < each_; ++i) {
            multiply_dense_rows<kRows>(dense_panel((&weight_)[i], panel, inputs_.columns()), inputs_, row, sums[i]);
        }
        sink_(weight_, panel, 1, row, kRows, sums[0], kRows * kPanel);
    }

    const DenseInputs& inputs_;
    const Weight& weight_;
    const Sink& sink_;
    int each_;
};

}  // namespace
}  // namespace CODEGEM_SET
}  // namespace codegem
