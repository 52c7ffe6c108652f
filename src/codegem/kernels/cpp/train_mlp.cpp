// The MLP of a block in training: forward, and its gradients.
#include "dispatch.h"
#include "train_tiles.h"
#include "training.h"

namespace codegem {
namespace CODEGEM_SET {
namespace {

inline std::size_t size(std::int64_t count) { return static_cast<std::size_t>(count); }

// The logistic function of 2·√(2/π)·(x + 0.044715 x³), by which x is multiplied in the tanh form of GELU.
inline Wide gate_share(const Wide& x) {
    constexpr float kFactor = 2.0f * 0.79788456080f * 1.44269504089f;
    const Wide z = x * multiply_add(x * x, wide(0.044715f * kFactor), wide(kFactor));
    const Wide e = power_of_two(z > 0.0f ? -z : z);
    const Wide share = reciprocal(e + 1.0f);
    return z > 0.0f ? share : e * share;
}

// A result's blocks of 32 × 32 for some rows: out = x + left · right.
inline void add_product(const Multiplier& multiply, const Half* lefts, const Half* rights, std::int64_t steps,
                        const Half* x, std::int64_t first, std::int64_t count, std::int64_t width, Half* out) {
    alignas(64) float sums[kBlockSums];
    for (std::int64_t d = 0; d < width; d += kSide) {
        for (std::int64_t row = 0; row < count; row += kSide) {
            multiply(left_tiles(lefts, row / kHalfSide, steps), panels(rights, d / kHalfSide, steps), steps, sums, kSide);
            for (int r = 0; r < kSide; ++r) {
                const std::int64_t at = (first + row + r) * width + d;
                put(out + at, wide(x + at) + wide(sums + r * kSide));
                put(out + at + kHalfSide, wide(x + at + kHalfSide) + wide(sums + r * kSide + kHalfSide));
            }
        }
    }
}

class MlpForward {
  public:
    explicit MlpForward(const MlpTraining& call)
        : call_(call), steps_(call.width / kSide), deep_(call.hidden / kSide),
          scratch_(3 * Scratch::size_of<Half>(size(call.width * call.hidden))) {
        for (Half*& packed : packed_) packed = scratch_.take<Half>(size(call.width * call.hidden));
    }

    void run() {
        pack_forward(call_.gate, call_.hidden, call_.width, packed_[0]);
        pack_forward(call_.up, call_.hidden, call_.width, packed_[1]);
        pack_forward(call_.down, call_.width, call_.hidden, packed_[2]);
        by_rows(call_.rows, [&](std::int64_t first, std::int64_t count) { rows(first, count); });
    }

  private:
    void rows(std::int64_t first, std::int64_t count) const {
        const std::int64_t width = call_.width, hidden = call_.hidden;
        Scratch scratch(Scratch::size_of<Half>(size(count * width)) + Scratch::size_of<Half>(size(count * hidden)));
        Half* const normed = scratch.take<Half>(size(count * width));
        Half* const products = scratch.take<Half>(size(count * hidden));
        for (std::int64_t row = 0; row < count; ++row) {
            norm_row(call_.x + (first + row) * width, call_.scale, width, call_.eps,
                     normed + row / kHalfSide * steps_ * kTileSize + row % kHalfSide * kSide, kTileSize);
        }
        const Multiplier multiply;
        alignas(64) float gates[kBlockSums], ups[kBlockSums];
        for (std::int64_t f = 0; f < deep_; ++f) {
            for (std::int64_t row = 0; row < count; row += kSide) {
                const Left left = left_tiles(normed, row / kHalfSide, steps_);
                multiply(left, panels(packed_[0], 2 * f, steps_), steps_, gates, kSide);
                multiply(left, panels(packed_[1], 2 * f, steps_), steps_, ups, kSide);
                const std::int64_t saved = ((first + row) / kSide * deep_ + f) * kBlockSums;
                activate(gates, ups, call_.gates + saved, call_.ups + saved,
                         products + (row / kHalfSide * deep_ + f) * kTileSize);
            }
        }
        add_product(multiply, products, packed_[2], deep_, call_.x, first, count, width, call_.out);
    }

    void activate(const float* gates, const float* ups, Half* gates_out, Half* ups_out, Half* products) const {
        for (int row = 0; row < kSide; ++row) {
            Half* const to = products + row / kHalfSide * deep_ * kTileSize + row % kHalfSide * kSide;
            for (int side = 0; side < kSide; side += kHalfSide) {
                const int at = row * kSide + side;
                put(gates_out + at, wide(gates + at));
                put(ups_out + at, wide(ups + at));
                // As the backward pass will read them.
                const Wide gate = wide(gates_out + at), up = wide(ups_out + at);
                put(to + side, gate * gate_share(gate) * up);
            }
        }
    }

    const MlpTraining& call_;
    std::int64_t steps_, deep_;
    Scratch scratch_;
    Half* packed_[3];
};

class MlpBackward {
  public:
    explicit MlpBackward(const MlpTraining& call)
        : call_(call), steps_(call.width / kSide), deep_(call.hidden / kSide), task_rows_(rows_of_task(call.rows)),
          tasks_((call.rows + task_rows_ - 1) / task_rows_), scratch_(bytes()) {
        for (Half*& packed : packed_) packed = scratch_.take<Half>(size(call.width * call.hidden));
        for (Half*& wide : wide_) wide = scratch_.take<Half>(size(call.rows * call.hidden));
        for (Half*& narrow : narrow_) narrow = scratch_.take<Half>(size(call.rows * call.width));
        d_scales_ = scratch_.take<float>(size(tasks_ * call.width));
    }

    void run() {
        const std::int64_t rows = call_.rows, width = call_.width, hidden = call_.hidden;
        pack_backward(call_.down, width, hidden, packed_[0], steps_);
        pack_backward(call_.gate, hidden, width, packed_[1], deep_);
        pack_backward(call_.up, hidden, width, packed_[2], deep_);
        by_rows(rows, [&](std::int64_t first, std::int64_t count) { some_rows(first, count); });
        const Gradient gradients[3] = {{narrow_[0], wide_[0], rows, width, hidden, call_.d_gate, true, hidden},
                                       {narrow_[0], wide_[1], rows, width, hidden, call_.d_up, true, hidden},
                                       {narrow_[1], wide_[2], rows, width, hidden, call_.d_down, false, hidden}};
        make_gradients(gradients, 3);
        for (std::int64_t i = 0; i < width; i += kHalfSide) {
            Wide sum{};
            for (std::int64_t task = 0; task < tasks_; ++task) sum += wide(d_scales_ + task * width + i);
            put(call_.d_scale + i, sum);
        }
    }

  private:
    std::size_t bytes() const {
        return 3 * Scratch::size_of<Half>(size(call_.width * call_.hidden)) +
               3 * Scratch::size_of<Half>(size(call_.rows * call_.hidden)) +
               2 * Scratch::size_of<Half>(size(call_.rows * call_.width)) +
               Scratch::size_of<float>(size(tasks_ * call_.width));
    }

    void some_rows(std::int64_t first, std::int64_t count) const {
        const std::int64_t width = call_.width, hidden = call_.hidden;
        Scratch scratch(2 * Scratch::size_of<Half>(size(count * hidden)) + Scratch::size_of<Half>(size(kSide * width)) +
                        Scratch::size_of<float>(size(count * width)));
        Half* const d_gates = scratch.take<Half>(size(count * hidden));
        Half* const d_ups = scratch.take<Half>(size(count * hidden));
        Half* const normed = scratch.take<Half>(size(kSide * width));
        float* const d_normed = scratch.take<float>(size(count * width));
        const Multiplier multiply;
        alignas(64) float d_products[kBlockSums];
        for (std::int64_t f = 0; f < deep_; ++f) {
            for (std::int64_t row = 0; row < count; row += kSide) {
                multiply(row_major(call_.d_out + (first + row) * width, width), panels(packed_[0], 2 * f, steps_), steps_,
                         d_products, kSide);
                const std::int64_t local = (row / kHalfSide * deep_ + f) * kTileSize;
                differentiate(d_products, ((first + row) / kSide * deep_ + f) * kBlockSums, d_gates + local, d_ups + local);
            }
        }
        for (std::int64_t d = 0; d < width; d += kSide) {
            for (std::int64_t row = 0; row < count; row += kSide) {
                float* const sums = d_normed + row * width + d;
                multiply(left_tiles(d_gates, row / kHalfSide, deep_), panels(packed_[1], d / kHalfSide, deep_), deep_, sums, width);
                multiply(left_tiles(d_ups, row / kHalfSide, deep_), panels(packed_[2], d / kHalfSide, deep_), deep_, sums, width, true);
            }
        }
        float* const d_scale = d_scales_ + first / task_rows_ * width;
        for (std::int64_t i = 0; i < width; ++i) d_scale[i] = 0;
        for (std::int64_t row = 0; row < count; row += kSide) {
            for (std::int64_t r = row; r < row + kSide; ++r) {
                const std::int64_t at = (first + r) * width;
                norm_row(call_.x + at, call_.scale, width, call_.eps, normed + (r - row) * width, kSide);
                norm_row_backward(call_.x + at, call_.scale, width, call_.eps, d_normed + r * width, call_.d_out + at,
                                  call_.d_x + at, d_scale);
            }
            turn_block(normed, width, narrow_[0] + (first + row) * width);
            turn_block(call_.d_out + (first + row) * width, width, narrow_[1] + (first + row) * width);
        }
    }

    // Of one block at `at` in the saved arrays: gradients of gate and up as left tiles, and those and the products as
    // right tiles [rows / 32, F / 16].
    void differentiate(const float* d_products, std::int64_t at, Half* d_gates, Half* d_ups) const {
        constexpr float kCube = 0.044715f, kFactor = 2.0f * 0.79788456080f;
        for (int side = 0; side < kSide; side += kHalfSide) {
            const std::int64_t tile = at + side / kHalfSide * kTileSize;
            for (int pair = 0; pair < kHalfSide; ++pair) {
                Wide d_gate[2], d_up[2], product[2];
                for (int j = 0; j < 2; ++j) {
                    const int row = 2 * pair + j;
                    const Wide gate = wide(call_.gates + at + row * kSide + side), up = wide(call_.ups + at + row * kSide + side);
                    const Wide d_product = wide(d_products + row * kSide + side);
                    const Wide share = gate_share(gate), gelu = gate * share;
                    const Wide slope = multiply_add(gate * gate, wide(3.0f * kCube * kFactor), wide(kFactor));
                    d_gate[j] = d_product * up * multiply_add(gelu * (1.0f - share), slope, share);
                    d_up[j] = d_product * gelu;
                    product[j] = gelu * up;
                    const std::int64_t left = row / kHalfSide * deep_ * kTileSize + row % kHalfSide * kSide + side;
                    put(d_gates + left, d_gate[j]);
                    put(d_ups + left, d_up[j]);
                }
                put_pairs(wide_[0] + tile + pair * kSide, d_gate[0], d_gate[1]);
                put_pairs(wide_[1] + tile + pair * kSide, d_up[0], d_up[1]);
                put_pairs(wide_[2] + tile + pair * kSide, product[0], product[1]);
            }
        }
    }

    const MlpTraining& call_;
    std::int64_t steps_, deep_, task_rows_, tasks_;
    Scratch scratch_;
    Half* packed_[3];
    Half* wide_[3];    // gradients of gates and ups, and products: right tiles [rows / 32, F / 16]
    Half* narrow_[2];  // the normed rows and d_out: left tiles of their transposes [rows / 32, D / 16]
    float* d_scales_;  // [tasks, D]
};

}  // namespace

void mlp_forward(const MlpTraining& call) { MlpForward(call).run(); }
void mlp_backward(const MlpTraining& call) { MlpBackward(call).run(); }

}  // namespace CODEGEM_SET
}  // namespace codegem
