// The loss of a language model and its gradients; logits live in blocks of 32 × 32 and are made twice: once for their
// sum of exponentials, once for the gradients (as in Cut Cross-Entropy, arXiv 2411.09009).
//
// Logits are made transposed, vocabulary × rows, so that a lane of a vector is a row of the batch: largest values and
// sums go down the lanes.
#include <cfloat>

#include "dispatch.h"
#include "train_tiles.h"
#include "training.h"

namespace codegem {
namespace CODEGEM_SET {
namespace {

constexpr float kLog2e = 1.44269504089f;
constexpr std::int64_t kSlice = 256;    // pieces of the vocabulary whose gradients stay in the cache
constexpr std::int64_t kStretch = 256;  // rows that are multiplied with a slice at once

class Entropy {
  public:
    explicit Entropy(const CrossEntropy& call)
        : call_(call),
          steps_(call.width / kSide),
          groups_(smaller((call.vocabulary + kSlice - 1) / kSlice, call.d_hidden ? 2 * thread_count() : 1)),
          scratch_(bytes()) {
        columns_ = scratch_.take<Half>(area());
        pairs_ = scratch_.take<Half>(area());
        log_sums_ = scratch_.take<float>(size(call.rows));
        losses_ = scratch_.take<double>(size(call.rows / kSide));
        d_hidden_ = scratch_.take<float>(size(groups_) * area());
    }

    void run() {
        by_rows(call_.rows, [&](std::int64_t first, std::int64_t count) { forward(first, count); });
        double loss = 0;
        for (std::int64_t i = 0; i < call_.rows / kSide; ++i) loss += losses_[i];
        *call_.loss = static_cast<float>(loss);
        if (!call_.d_hidden) return;
        parallel(static_cast<int>(groups_), [&](int group) { backward(group); });
        parallel(static_cast<int>(call_.rows / kSide), [&](int block) { add_up(block); });
    }

  private:
    static std::size_t size(std::int64_t count) { return static_cast<std::size_t>(count); }
    std::size_t area() const { return size(call_.rows * call_.width); }

    std::size_t bytes() const {
        return 2 * Scratch::size_of<Half>(area()) + Scratch::size_of<float>(size(call_.rows)) +
               Scratch::size_of<double>(size(call_.rows / kSide)) + Scratch::size_of<float>(size(groups_) * area());
    }

    // Rows as columns of a product, [rows / 16, D / 32].
    Right columns(std::int64_t row) const { return panels(columns_, row / kHalfSide, steps_); }

    // Packs some rows, finds the logarithms of their sums and their losses.
    void forward(std::int64_t first, std::int64_t count) {
        for (std::int64_t row = first; row < first + count; row += kHalfSide) {
            for (std::int64_t i = 0; i < steps_; ++i) {
                pair_columns(call_.hidden + row * call_.width + i * kSide, call_.width,
                             columns_ + (row / kHalfSide * steps_ + i) * kTileSize);
            }
        }
        for (std::int64_t row = first; row < first + count; row += kSide) {
            for (std::int64_t i = 0; i < call_.width; i += kHalfSide) {
                pair_rows(call_.hidden + row * call_.width + i, call_.width, pairs_ + row * call_.width + i * kSide);
            }
        }
        alignas(64) float tops[kMostRows], sums[kMostRows], logits[kBlockSums];
        for (std::int64_t i = 0; i < count; ++i) tops[i] = -FLT_MAX, sums[i] = 0;
        const Multiplier multiply;
        for (std::int64_t piece = 0; piece < call_.vocabulary; piece += kSide) {
            const Left left = row_major(call_.embedding + piece * call_.width, call_.width);
            for (std::int64_t i = 0; i < count; i += kSide) {
                multiply(left, columns(first + i), steps_, logits, kSide);
                sum_up(logits, tops + i, sums + i);
                sum_up(logits + kHalfSide, tops + i + kHalfSide, sums + i + kHalfSide);
            }
        }
        for (std::int64_t i = 0; i < count; ++i) log_sums_[first + i] = tops[i] * kLog2e + std::log2(sums[i]);
        for (std::int64_t i = 0; i < count; i += kSide) losses_[(first + i) / kSide] = losses(first + i);
    }

    // Adds 32 logits of each of 16 rows.
    static void sum_up(const float* logits, float* tops, float* sums) {
        Wide top[2] = {wide(tops), wide(logits)};
        for (int i = 0; i < kSide; i += 2) {
            top[0] = largest(top[0], wide(logits + i * kSide));
            top[1] = largest(top[1], wide(logits + (i + 1) * kSide));
        }
        const Wide both = largest(top[0], top[1]), shift = both * kLog2e;
        Wide sum[2] = {wide(sums) * power_of_two((wide(tops) - both) * kLog2e), Wide{}};
        for (int i = 0; i < kSide; i += 2) {
            sum[0] += power_of_two(multiply_add(wide(logits + i * kSide), wide(kLog2e), -shift));
            sum[1] += power_of_two(multiply_add(wide(logits + (i + 1) * kSide), wide(kLog2e), -shift));
        }
        put(tops, both);
        put(sums, sum[0] + sum[1]);
    }

    // Of 32 rows.
    double losses(std::int64_t first) const {
        double loss = 0;
        for (std::int64_t row = first; row < first + kSide; ++row) {
            const Half* hidden = call_.hidden + row * call_.width;
            const Half* chosen = call_.embedding + call_.targets[row] * call_.width;
            Wide products{};
            for (std::int64_t i = 0; i < call_.width; i += kHalfSide) {
                products = multiply_add(wide(hidden + i), wide(chosen + i), products);
            }
            if (call_.weights[row] != 0.0f) {
                loss += static_cast<double>(call_.weights[row]) * (log_sums_[row] / kLog2e - total(products));
            }
        }
        return loss;
    }

    // Both gradients of a part of the vocabulary: slices group, group + groups, …
    void backward(int group) {
        const std::int64_t width = call_.width;
        float* const d_hidden = d_hidden_ + group * static_cast<std::int64_t>(area());
        Scratch scratch(2 * Scratch::size_of<Half>(size(kSlice * width)) + Scratch::size_of<float>(size(kSlice * width)) +
                        Scratch::size_of<Half>(kSlice * kStretch) + Scratch::size_of<Half>(kSide * kStretch));
        Half* const turned = scratch.take<Half>(size(kSlice * width));
        float* const d_embedding = scratch.take<float>(size(kSlice * width));
        Half* const pairs = scratch.take<Half>(kSlice * kStretch);
        Half* const lefts = scratch.take<Half>(kSide * kStretch);
        const Multiplier multiply;
        for (std::int64_t slice = group * kSlice; slice < call_.vocabulary; slice += groups_ * kSlice) {
            const std::int64_t pieces = smaller(kSlice, call_.vocabulary - slice);
            for (std::int64_t i = 0; i < pieces; i += kSide) {
                turn_block(call_.embedding + (slice + i) * width, width, turned + i * width);
            }
            for (std::int64_t row = 0; row < call_.rows; row += kStretch) {
                const std::int64_t rows = smaller(kStretch, call_.rows - row);
                for (std::int64_t i = 0; i < pieces; i += kSide) {
                    differentiate(multiply, slice + i, row, rows, lefts, pairs + i / kSide * kTileSize);
                    for (std::int64_t d = 0; d < width && call_.d_embedding; d += kSide) {
                        multiply({lefts, kSide, kTileSize, 2 * kTileSize},
                                 {pairs_ + row * width + d * kSide, kTileSize, width * kSide}, rows / kSide,
                                 d_embedding + i * width + d, width, row > 0);
                    }
                }
                for (std::int64_t r = 0; r < rows; r += kSide) {
                    for (std::int64_t d = 0; d < width; d += kSide) {
                        multiply({turned + d * kSide, kSide, kTileSize, width * kSide},
                                 panels(pairs, r / kHalfSide, kSlice / kSide), pieces / kSide,
                                 d_hidden + (row + r) * width + d * kSide, kSide, slice >= groups_ * kSlice);
                    }
                }
            }
            for (std::int64_t i = 0; i < pieces * width && call_.d_embedding; i += kHalfSide) {
                put(call_.d_embedding + slice * width + i, wide(d_embedding + i));
            }
        }
    }

    // The gradients of 32 pieces' logits for some rows, [32, rows], as left tiles and as right ones.
    void differentiate(const Multiplier& multiply, std::int64_t piece, std::int64_t first, std::int64_t rows, Half* lefts,
                       Half* pairs) const {
        alignas(64) float logits[kBlockSums];
        const Left left = row_major(call_.embedding + piece * call_.width, call_.width);
        for (std::int64_t r = 0; r < rows; r += kSide, lefts += 2 * kTileSize) {
            multiply(left, columns(first + r), steps_, logits, kSide);
            for (int side = 0; side < kSide; side += kHalfSide) {
                const std::int64_t row = first + r + side;
                const Wide shift = wide(log_sums_ + row), weight = wide(call_.weights + row);
                WideInts targets;
                std::memcpy(&targets, call_.targets + row, sizeof targets);
                targets -= static_cast<std::int32_t>(piece);
                Half* const right = pairs + (r + side) / kHalfSide * (kSlice / kSide * kTileSize);
                for (int i = 0; i < kSide; i += 2) {
                    Wide made[2];
                    for (int j = 0; j < 2; ++j) {
                        const Wide logit = wide(logits + (i + j) * kSide + side);
                        const Wide share = power_of_two(multiply_add(logit, wide(kLog2e), -shift));
                        made[j] = (targets == i + j ? share - 1.0f : share) * weight;
                        put(lefts + (i + j) * kSide + side, made[j]);
                    }
                    put_pairs(right + i / 2 * kSide, made[0], made[1]);
                }
            }
        }
    }

    // 32 rows of d_hidden, from the groups' transposed parts.
    void add_up(std::int64_t block) const {
        const std::int64_t width = call_.width, at = block * kSide * width;
        alignas(64) float sums[kBlockSums / 2], turned[kHalfSide * kHalfSide];
        for (std::int64_t d = 0; d < width; d += kHalfSide) {
            for (int i = 0; i < kBlockSums / 2; i += kHalfSide) {
                Wide sum{};
                for (std::int64_t group = 0; group < groups_; ++group) {
                    sum += wide(d_hidden_ + group * static_cast<std::int64_t>(area()) + at + d * kSide + i);
                }
                put(sums + i, sum);
            }
            for (int side = 0; side < kSide; side += kHalfSide) {
                transpose_words(sums + side, 4 * kSide, turned, 64);
                for (int i = 0; i < kHalfSide; ++i) {
                    put(call_.d_hidden + at + (side + i) * width + d, wide(turned + i * kHalfSide));
                }
            }
        }
    }

    static constexpr int kMostRows = 128;  // of `by_rows`

    const CrossEntropy& call_;
    std::int64_t steps_, groups_;
    Scratch scratch_;
    Half *columns_, *pairs_;
    float* log_sums_;
    double* losses_;
    float* d_hidden_;  // [groups, rows / 32, D, 32]
};

}  // namespace

void cross_entropy(const CrossEntropy& call) { Entropy(call).run(); }

}  // namespace CODEGEM_SET
}  // namespace codegem
