// Panels of bfloat16 times rows of activations by AMX's tiles. An activation enters as the sum of two bfloat16, which
// keeps 16 of float32's 24 bits: each tile of weights is multiplied twice.
#pragma once

#include "tiles.h"

namespace codegem {
namespace CODEGEM_SET {
namespace {

// Tiles of some rows and 32 columns, for each the high parts and then the low ones: [high, steps, 2, height, 32].
class DenseInputs {
  public:
    DenseInputs(Scratch& scratch, std::int64_t rows, std::int64_t columns)
        : height_(tile_height(rows)),
          high_((rows + height_ - 1) / height_),
          columns_(columns),
          tiles_(scratch.take<std::uint16_t>(static_cast<std::size_t>(high_ * stride()))) {}

    static std::size_t bytes(std::int64_t rows, std::int64_t columns) {
        return Scratch::size_of<std::uint16_t>(static_cast<std::size_t>(2 * (rows + kTileRows - 1) * columns));
    }

    int height() const { return height_; }
    std::int64_t high() const { return high_; }
    std::int64_t rows() const { return high_ * height_; }
    std::int64_t columns() const { return columns_; }
    // Elements from one row of tiles to the next.
    std::int64_t stride() const { return 2 * height_ * columns_; }
    // The tile that begins at `column`, and its low parts behind it.
    const std::uint16_t* tile(std::int64_t high, std::int64_t column) const {
        return tiles_ + high * stride() + 2 * height_ * column;
    }

    // Sixteen values of a row from `column` on, a multiple of sixteen.
    void set(std::int64_t row, std::int64_t column, const Lanes& values) const {
        const __m256i high = reinterpret_cast<__m256i>(_mm512_cvtneps_pbh(values.part[0]));
        const __m256i low = reinterpret_cast<__m256i>(_mm512_cvtneps_pbh(values.part[0] - widen(high)));
        std::uint16_t* to = tiles_ + row / height_ * stride() + column / kDenseBlock * 2 * height_ * kDenseBlock +
                            row % height_ * kDenseBlock + column % kDenseBlock;
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), high);
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(to + height_ * kDenseBlock), low);
    }

  private:

    static Floats widen(__m256i bfloat16) {
        return reinterpret_cast<Floats>(_mm512_slli_epi32(_mm512_cvtepu16_epi32(bfloat16), 16));
    }

    int height_;
    std::int64_t high_, columns_;
    std::uint16_t* tiles_;
};

constexpr std::int64_t kDensePiece = 1 << 20;  // Bytes of activations that all panels meet before the next ones
constexpr int kDenseAhead = 8192;              // Bytes
constexpr int kMostStreams = 4;                // Panels that one row of tiles is multiplied with at once

// Some columns of up to four panels, the activations that they meet, and where the sums go.
struct DensePiece {
    const std::uint16_t* weights[kMostStreams];
    const DenseInputs* inputs;
    std::int64_t column;
    std::int64_t columns;
    std::int64_t high;    // the first row of tiles
    float* sums;          // of the first panel, [height, 16]
    std::int64_t stride;  // from one panel's sums to the next one's
};

inline void fetch_tile(const std::uint16_t* weights) {
    for (int line = 0; line < kTileRows; ++line) {
        __builtin_prefetch(weights + 32 * line + kDenseAhead / 2, 0, 2);
    }
}

// sums += two rows of tiles · two panels: six loads for eight products. `meanwhile` is called when the products are on
// their way: vectors work beside them, and a tile that is stored is not to be had at once.
template <typename Meanwhile>
inline void multiply_square(const DensePiece& piece, const Meanwhile& meanwhile) {
    constexpr int kSize = kTileRows * kPanel;
    const std::uint16_t* x = piece.inputs->tile(piece.high, piece.column);
    const std::uint16_t* y = piece.inputs->tile(piece.high + 1, piece.column);
    float *to = piece.sums, *next = piece.sums + piece.stride;
    if (piece.column == 0) {
        CODEGEM_TILE_ZERO(0);
        CODEGEM_TILE_ZERO(1);
        CODEGEM_TILE_ZERO(2);
        CODEGEM_TILE_ZERO(3);
    } else {
        CODEGEM_TILE_LOAD(0, to, 64);
        CODEGEM_TILE_LOAD(1, next, 64);
        CODEGEM_TILE_LOAD(2, to + kSize, 64);
        CODEGEM_TILE_LOAD(3, next + kSize, 64);
    }
    for (std::int64_t at = 0; at < piece.columns * kPanel; at += kDenseBlock * kPanel) {
        if (piece.high == 0) {
            fetch_tile(piece.weights[0] + at);
            fetch_tile(piece.weights[1] + at);
        }
        CODEGEM_TILE_LOAD(6, piece.weights[0] + at, 64);
        CODEGEM_TILE_LOAD(7, piece.weights[1] + at, 64);
        for (int part = 0; part < 2; ++part, x += kTileRows * kDenseBlock, y += kTileRows * kDenseBlock) {
            CODEGEM_TILE_LOAD(4, x, 64);
            CODEGEM_TILE_LOAD(5, y, 64);
            CODEGEM_TILE_DOT_BF16(0, 4, 6);
            CODEGEM_TILE_DOT_BF16(1, 4, 7);
            CODEGEM_TILE_DOT_BF16(2, 5, 6);
            CODEGEM_TILE_DOT_BF16(3, 5, 7);
        }
    }
    meanwhile();
    CODEGEM_TILE_STORE(0, to);
    CODEGEM_TILE_STORE(1, next);
    CODEGEM_TILE_STORE(2, to + kSize);
    CODEGEM_TILE_STORE(3, next + kSize);
}

#define CODEGEM_STREAM(index, weights_tile)                                  \
    if constexpr (index < kPanels) {                                         \
        if (piece.high == 0) fetch_tile(piece.weights[index] + at);          \
        CODEGEM_TILE_LOAD(weights_tile, piece.weights[index] + at, 64);      \
        CODEGEM_TILE_DOT_BF16(index, 4, weights_tile);                       \
        CODEGEM_TILE_DOT_BF16(index, 5, weights_tile);                       \
    }
#define CODEGEM_BEGIN(index)                                                           \
    if constexpr (index < kPanels) {                                                   \
        if (piece.column == 0) {                                                      \
            CODEGEM_TILE_ZERO(index);                                                  \
        } else {                                                                      \
            CODEGEM_TILE_LOAD(index, piece.sums + index * piece.stride, 64);                            \
        }                                                                             \
    }
#define CODEGEM_END(index) \
    if constexpr (index < kPanels) CODEGEM_TILE_STORE(index, piece.sums + index * piece.stride)

// sums += one row of tiles · kPanels panels.
template <int kPanels, typename Meanwhile>
inline void multiply_streams(const DensePiece& piece, const Meanwhile& meanwhile) {
    const std::int64_t part = piece.inputs->height() * kDenseBlock;
    const std::uint16_t* x = piece.inputs->tile(piece.high, piece.column);
    CODEGEM_BEGIN(0);
    CODEGEM_BEGIN(1);
    CODEGEM_BEGIN(2);
    CODEGEM_BEGIN(3);
    for (std::int64_t at = 0; at < piece.columns * kPanel; at += kDenseBlock * kPanel, x += 2 * part) {
        CODEGEM_TILE_LOAD(4, x, 64);
        CODEGEM_TILE_LOAD(5, x + part, 64);
        CODEGEM_STREAM(0, 6);
        CODEGEM_STREAM(1, 7);
        CODEGEM_STREAM(2, 6);
        CODEGEM_STREAM(3, 7);
    }
    meanwhile();
    CODEGEM_END(0);
    CODEGEM_END(1);
    CODEGEM_END(2);
    CODEGEM_END(3);
}

// One or two rows of tiles from piece.high on.
template <typename Meanwhile>
inline void multiply_piece(const DensePiece& piece, int panels, int rows, const Meanwhile& meanwhile) {
    if (rows == 2) return multiply_square(piece, meanwhile);
    switch (panels) {
        case 1: return multiply_streams<1>(piece, meanwhile);
        case 2: return multiply_streams<2>(piece, meanwhile);
        case 3: return multiply_streams<3>(piece, meanwhile);
        default: return multiply_streams<4>(piece, meanwhile);
    }
}

// Panels first … first + count - 1 of a weight, with those of the second one between them for GeGLU, times all rows.
// The sums go to `sink` some rows and panels at a time.
template <typename Sink>
class DenseRun {
  public:
    DenseRun(const Product& call, const DenseInputs& inputs, const Weight& weight, const Sink& sink)
        : inputs_(inputs),
          weight_(weight),
          sink_(sink),
          each_(call.finish == Finish::kGeglu ? 2 : 1),
          together_(inputs.high() == 1 ? kMostStreams : 2) {
        const std::int64_t columns = kDensePiece / (4 * inputs.rows()) / kDenseBlock * kDenseBlock;
        piece_ = columns < 512 ? 512 : columns;
        if (inputs.high() == 1 || piece_ > inputs.columns()) piece_ = inputs.columns();
    }

    void run(std::int64_t first, std::int64_t count) {
        const Tiles configured(inputs_.height(), 64);
        if (piece_ == inputs_.columns()) return run_slots(first, count, nullptr, 0);
        const std::int64_t size = inputs_.rows() * kPanel;
        const auto all = static_cast<std::size_t>(kSlots * size);
        Scratch scratch(Scratch::size_of<float>(all));
        float* totals = scratch.take<float>(all);
        const std::int64_t step = kSlots / each_;
        for (std::int64_t done = 0; done < count; done += step) {
            run_slots(first + done, count - done < step ? count - done : step, totals, size);
        }
    }

  private:
    // Sums that wait for the sink.
    struct Sums {
        std::int64_t panel, row, rows;
        const float* sums;
        std::int64_t stride;
        int panels;  // 0: there are none
    };

    // `totals` are sums of all rows, `size` of a panel, which go on in the next piece; none where there is one piece.
    void run_slots(std::int64_t first, std::int64_t count, float* totals, std::int64_t size) {
        const std::int64_t columns = inputs_.columns();
        const int step = together_ / each_;
        DensePiece piece{};
        piece.inputs = &inputs_;
        for (piece.column = 0; piece.column < columns; piece.column += piece_) {
            piece.columns = columns - piece.column < piece_ ? columns - piece.column : piece_;
            for (std::int64_t done = 0; done < count; done += step) {
                const int panels = static_cast<int>(count - done < step ? count - done : step);
                for (int i = 0; i < panels; ++i) {
                    for (int j = 0; j < each_; ++j) {
                        const std::uint16_t* weights = dense_panel((&weight_)[j], first + done + i, columns);
                        piece.weights[i * each_ + j] = weights + piece.column * kPanel;
                    }
                }
                run_rows(piece, first + done, panels, totals + done * each_ * size, size);
            }
        }
        finish();
    }

    void run_rows(DensePiece piece, std::int64_t panel, int panels, float* totals, std::int64_t size) {
        const int height = inputs_.height(), slots = panels * each_;
        const bool last = piece.column + piece.columns == inputs_.columns();
        for (int tiles; piece.high < inputs_.high(); piece.high += tiles) {
            tiles = slots == 2 && inputs_.high() - piece.high > 1 ? 2 : 1;
            const std::int64_t row = piece.high * height;
            piece.sums = size ? totals + row * kPanel : few_[turn_ = 1 - turn_];
            piece.stride = size ? size : tiles * height * kPanel;
            multiply_piece(piece, slots, tiles, [&] { finish(); });
            if (last) waiting_ = {panel, row, tiles * height, piece.sums, piece.stride, panels};
        }
    }

    void finish() {
        if (waiting_.panels == 0) return;
        sink_(weight_, waiting_.panel, waiting_.panels, waiting_.row, waiting_.rows, waiting_.sums, waiting_.stride);
        waiting_.panels = 0;
    }

    const DenseInputs& inputs_;
    const Weight& weight_;
    const Sink& sink_;
    int each_, together_;
    std::int64_t piece_;
    Sums waiting_{};
    int turn_ = 0;
    alignas(64) float few_[2][kMostStreams * kTileRows * kPanel];
};

}  // namespace
}  // namespace CODEGEM_SET
}  // namespace codegem
