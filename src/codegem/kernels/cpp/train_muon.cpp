// Newton and Schulz's iteration for many matrices: each is one thread's, and stays in its cache.
#include "dispatch.h"
#include "train_tiles.h"
#include "training.h"

namespace codegem {
namespace CODEGEM_SET {
namespace {

class Iteration {
  public:
    Iteration(const Orthogonal& call, const Matrix32& matrix)
        : call_(call), matrix_(matrix), turned_(matrix.rows > matrix.columns),
          high_(turned_ ? matrix.columns : matrix.rows), wide_(turned_ ? matrix.rows : matrix.columns),
          scratch_(Scratch::size_of<float>(area()) + 2 * Scratch::size_of<Half>(area()) +
                   Scratch::size_of<float>(square()) + 3 * Scratch::size_of<Half>(square())) {
        x_ = scratch_.take<float>(area());
        rows_ = scratch_.take<Half>(area());
        pairs_ = scratch_.take<Half>(area());
        products_ = scratch_.take<float>(square());
        squares_ = scratch_.take<Half>(square());
        square_pairs_ = scratch_.take<Half>(square());
        factors_ = scratch_.take<Half>(square());
    }

    void run() {
        read();
        for (int step = 0; step < call_.steps; ++step) iterate();
        if (!turned_) {
            std::memcpy(matrix_.out, x_, sizeof(float) * area());
        } else {
            transpose(x_, high_, wide_, matrix_.out);
        }
    }

  private:
    std::size_t area() const { return static_cast<std::size_t>(high_ * wide_); }
    std::size_t square() const { return static_cast<std::size_t>(high_ * high_); }

    static void transpose(const float* from, std::int64_t rows, std::int64_t columns, float* to) {
        for (std::int64_t i = 0; i < rows; i += kHalfSide) {
            for (std::int64_t j = 0; j < columns; j += kHalfSide) {
                transpose_words(from + i * columns + j, 4 * columns, to + j * rows + i, 4 * rows);
            }
        }
    }

    // The matrix, with at least as many columns as rows, divided by its length.
    void read() const {
        if (turned_) {
            transpose(matrix_.in, wide_, high_, x_);
        } else {
            std::memcpy(x_, matrix_.in, sizeof(float) * area());
        }
        double squares = 0;
        for (std::size_t i = 0; i < area(); i += kHalfSide) squares += total(wide(x_ + i) * wide(x_ + i));
        const float scale = 1.0f / (static_cast<float>(std::sqrt(squares)) + 1e-7f);
        for (std::size_t i = 0; i < area(); i += kHalfSide) put(x_ + i, wide(x_ + i) * scale);
    }

    // x = a · x + (b · s + c · s · s) · x with s = x · xᵀ.
    void iterate() const {
        const std::int64_t deep = wide_ / kSide, steps = high_ / kSide;
        for (std::size_t i = 0; i < area(); i += kHalfSide) put(rows_ + i, wide(x_ + i));
        for (std::int64_t i = 0; i < high_; i += kHalfSide) {
            for (std::int64_t j = 0; j < deep; ++j) {
                pair_columns(rows_ + i * wide_ + j * kSide, wide_, pairs_ + (i / kHalfSide * deep + j) * kTileSize);
            }
        }
        multiply(rows_, wide_, pairs_, deep, products_, high_, false);
        for (std::size_t i = 0; i < square(); i += kHalfSide) put(squares_ + i, wide(products_ + i));
        pair(squares_, high_, square_pairs_);
        // b / c · s + s · s, all times c.
        for (std::size_t i = 0; i < square(); i += kHalfSide) put(products_ + i, wide(products_ + i) * (call_.b / call_.c));
        multiply(squares_, high_, square_pairs_, steps, products_, high_, true);
        for (std::size_t i = 0; i < square(); i += kHalfSide) put(factors_ + i, wide(products_ + i) * call_.c);
        pair(rows_, wide_, pairs_);
        for (std::size_t i = 0; i < area(); i += kHalfSide) put(x_ + i, wide(x_ + i) * call_.a);
        multiply(factors_, high_, pairs_, steps, x_, wide_, true);
    }

    // Right tiles [columns / 16, rows / 32] of a row-major matrix of `high_` rows.
    void pair(const Half* from, std::int64_t columns, Half* tiles) const {
        const std::int64_t steps = high_ / kSide;
        for (std::int64_t j = 0; j < columns; j += kHalfSide) {
            for (std::int64_t i = 0; i < steps; ++i) {
                pair_rows(from + i * kSide * columns + j, columns, tiles + (j / kHalfSide * steps + i) * kTileSize);
            }
        }
    }

    // out [high, columns] = left · right, or more of it; `steps` times 32 columns of the left.
    void multiply(const Half* left, std::int64_t stride, const Half* rights, std::int64_t steps, float* out,
                  std::int64_t columns, bool add) const {
        for (std::int64_t j = 0; j < columns; j += kSide) {
            for (std::int64_t i = 0; i < high_; i += kSide) {
                multiply_(row_major(left + i * stride, stride), panels(rights, j / kHalfSide, steps), steps,
                          out + i * columns + j, columns, add);
            }
        }
    }

    const Orthogonal& call_;
    const Matrix32& matrix_;
    bool turned_;
    std::int64_t high_, wide_;
    Scratch scratch_;
    Multiplier multiply_;
    float *x_, *products_;
    Half *rows_, *pairs_, *squares_, *square_pairs_, *factors_;
};

}  // namespace

void orthogonal(const Orthogonal& call) {
    parallel(call.count, [&](int task) { Iteration(call, call.matrices[task]).run(); });
}

}  // namespace CODEGEM_SET
}  // namespace codegem
