// The attention of a block in training: forward, and its gradients. Logits are made transposed, keys × queries, so that
// a lane is a query: largest values and sums go down the lanes, and pairs of keys' weights are a row of a right tile.
#include <cfloat>

#include "dispatch.h"
#include "train_tiles.h"
#include "training.h"

namespace codegem {
namespace CODEGEM_SET {
namespace {

constexpr float kLog2e = 1.44269504089f;
constexpr int kMostHead = 512;

inline std::size_t size(std::int64_t count) { return static_cast<std::size_t>(count); }

// Where a head's rows lie.
struct Heads {
    const AttentionTraining& call;

    std::int64_t group() const { return call.heads / call.kv_heads; }
    std::int64_t columns() const { return (call.heads + 2 * call.kv_heads) * call.head; }
    std::int64_t query(std::int64_t b, std::int64_t n, std::int64_t t) const {
        return ((b * call.heads + n) * call.length + t) * call.head;
    }
    std::int64_t key(std::int64_t b, std::int64_t k, std::int64_t t) const {
        return ((b * call.kv_heads + k) * call.length + t) * call.head;
    }
    std::int64_t log_sum(std::int64_t b, std::int64_t n, std::int64_t t) const { return (b * call.heads + n) * call.length + t; }
};

// Rotates half-split pairs of one row by angles or, with `direction` -1, back.
inline void rotate(const float* x, const float* cosines, const float* sines, std::int64_t half, float direction, float factor,
                   Half* out) {
    for (std::int64_t i = 0; i < half; i += kHalfSide) {
        const Wide first = wide(x + i), second = wide(x + half + i);
        const Wide cosine = wide(cosines + i) * factor, sine = wide(sines + i) * (factor * direction);
        put(out + i, first * cosine - second * sine);
        put(out + half + i, second * cosine + first * sine);
    }
}

// Which keys a block of 32 queries sees.
class Visible {
  public:
    Visible(const AttentionTraining& call, std::int64_t sequence, std::int64_t query)
        : segments_(call.segments + sequence * call.length), query_(query) {
        range(query, least_, most_);
        while (first_ < query_ && !meets(first_)) first_ += kSide;
    }

    // The first block of 32 keys that is seen.
    std::int64_t first() const { return first_; }
    std::int64_t end() const { return query_ + kSide; }

    // Whether all 32 keys from `key` on are seen by all queries.
    bool whole(std::int64_t key) const {
        std::int32_t least, most;
        range(key, least, most);
        return key < query_ && least == most && least_ == most_ && least == least_;
    }

    // Ones in the lanes of 16 queries, from `side` behind the first, that see one key.
    WideInts lanes(std::int64_t key, int side) const {
        WideInts segments, behind;
        std::memcpy(&segments, segments_ + query_ + side, sizeof segments);
        for (int i = 0; i < kHalfSide; ++i) behind[i] = i;
        return (segments == segments_[key]) & (behind >= static_cast<std::int32_t>(key - query_ - side));
    }

  private:
    void range(std::int64_t first, std::int32_t& least, std::int32_t& most) const {
        least = most = segments_[first];
        for (std::int64_t i = first + 1; i < first + kSide; ++i) {
            least = segments_[i] < least ? segments_[i] : least;
            most = segments_[i] > most ? segments_[i] : most;
        }
    }

    bool meets(std::int64_t key) const {
        std::int32_t least, most;
        range(key, least, most);
        return least <= most_ && most >= least_;
    }

    const std::int32_t* segments_;
    std::int64_t query_, first_ = 0;
    std::int32_t least_, most_;
};

class AttentionForward {
  public:
    explicit AttentionForward(const AttentionTraining& call)
        : call_(call), heads_{call}, steps_(call.width / kSide), deep_(call.heads * call.head / kSide), scratch_(bytes()) {
        packed_ = scratch_.take<Half>(size(heads_.columns() * call.width));
        packed_o_ = scratch_.take<Half>(size(call.heads * call.head * call.width));
        turned_ = scratch_.take<Half>(size(call.rows() * call.kv_heads * call.head));
    }

    void run() {
        const std::int64_t wide = call_.heads * call_.head, narrow = call_.kv_heads * call_.head, width = call_.width;
        pack_forward(call_.q, wide, width, packed_);
        pack_forward(call_.k, narrow, width, packed_ + wide * width);
        pack_forward(call_.v, narrow, width, packed_ + (wide + narrow) * width);
        pack_forward(call_.o, width, wide, packed_o_);
        by_rows(call_.rows(), [&](std::int64_t first, std::int64_t count) { project(first, count); });
        parallel(static_cast<int>(call_.rows() * call_.kv_heads / kSide), [&](int block) {
            turn_block(call_.values + block * kSide * call_.head, call_.head, turned_ + block * kSide * call_.head);
        });
        const std::int64_t blocks = call_.length / kSide;
        // The longest ones first.
        parallel(static_cast<int>(call_.batch * blocks), [&](int task) {
            attend(task % call_.batch, (blocks - 1 - task / call_.batch) * kSide);
        });
        by_rows(call_.rows(), [&](std::int64_t first, std::int64_t count) { finish(first, count); });
    }

  private:
    std::size_t bytes() const {
        return Scratch::size_of<Half>(size(heads_.columns() * call_.width)) +
               Scratch::size_of<Half>(size(call_.heads * call_.head * call_.width)) +
               Scratch::size_of<Half>(size(call_.rows() * call_.kv_heads * call_.head));
    }

    // Queries, keys and values of some rows.
    void project(std::int64_t first, std::int64_t count) const {
        Scratch scratch(Scratch::size_of<Half>(size(count * call_.width)));
        Half* const normed = scratch.take<Half>(size(count * call_.width));
        for (std::int64_t row = 0; row < count; ++row) {
            norm_row(call_.x + (first + row) * call_.width, call_.scale, call_.width, call_.eps,
                     normed + row / kHalfSide * steps_ * kTileSize + row % kHalfSide * kSide, kTileSize);
        }
        const Multiplier multiply;
        alignas(64) float sums[kSide * kMostHead];
        for (std::int64_t head = 0; head < call_.heads + 2 * call_.kv_heads; ++head) {
            for (std::int64_t row = 0; row < count; row += kSide) {
                for (std::int64_t i = 0; i < call_.head; i += kSide) {
                    multiply(left_tiles(normed, row / kHalfSide, steps_),
                             panels(packed_, (head * call_.head + i) / kHalfSide, steps_), steps_, sums + i, call_.head);
                }
                for (int r = 0; r < kSide; ++r) place(head, first + row + r, sums + r * call_.head);
            }
        }
    }

    // One row of one head, rotated.
    void place(std::int64_t head, std::int64_t row, const float* x) const {
        const std::int64_t b = row / call_.length, t = row % call_.length, half = call_.head / 2;
        const float *cosines = call_.cosines + row * half, *sines = call_.sines + row * half;
        const std::int64_t key = head - call_.heads, value = key - call_.kv_heads;
        if (key < 0) {
            const float scale = 1.0f / std::sqrt(static_cast<float>(call_.head));
            rotate(x, cosines, sines, half, 1.0f, scale, call_.queries + heads_.query(b, head, t));
        } else if (value < 0) {
            rotate(x, cosines, sines, half, 1.0f, 1.0f, call_.keys + heads_.key(b, key, t));
        } else {
            Half* const to = call_.values + heads_.key(b, value, t);
            for (std::int64_t i = 0; i < call_.head; i += kHalfSide) put(to + i, wide(x + i));
        }
    }

    // 32 queries of all heads.
    void attend(std::int64_t b, std::int64_t t) const {
        const Visible visible(call_, b, t);
        const std::int64_t keys = visible.end() - visible.first();
        Scratch scratch(Scratch::size_of<float>(size(keys * kSide)) + Scratch::size_of<Half>(size(keys * kSide)) +
                        Scratch::size_of<Half>(size(call_.head * kSide)));
        float* const logits = scratch.take<float>(size(keys * kSide));
        Half* const weights = scratch.take<Half>(size(keys * kSide));
        Half* const packed = scratch.take<Half>(size(call_.head * kSide));
        const Multiplier multiply;
        const std::int64_t steps = call_.head / kSide;
        for (std::int64_t n = 0; n < call_.heads; ++n) {
            const Half* query = call_.queries + heads_.query(b, n, t);
            for (std::int64_t i = 0; i < 2 * steps; ++i) {
                pair_columns(query + i / steps * kHalfSide * call_.head + i % steps * kSide, call_.head, packed + i * kTileSize);
            }
            const std::int64_t kv = n / heads_.group();
            const Half* key = call_.keys + heads_.key(b, kv, visible.first());
            for (std::int64_t i = 0; i < keys; i += kSide) {
                multiply(row_major(key + i * call_.head, call_.head), panels(packed, 0, steps), steps, logits + i * kSide, kSide);
                hide(visible, visible.first() + i, logits + i * kSide);
            }
            alignas(64) float scales[kSide];
            for (int side = 0; side < kSide; side += kHalfSide) {
                weigh(logits + side, keys, weights + side / kHalfSide * kTileSize, scales + side,
                      call_.log_sums + heads_.log_sum(b, n, t) + side);
            }
            mix(multiply, turned_ + heads_.key(b, kv, visible.first()), weights, keys, scales,
                call_.mixed + (b * call_.length + t) * call_.heads * call_.head + n * call_.head);
        }
    }

    static void hide(const Visible& visible, std::int64_t key, float* logits) {
        if (visible.whole(key)) return;
        for (int i = 0; i < kSide; ++i) {
            for (int side = 0; side < kSide; side += kHalfSide) {
                float* const at = logits + i * kSide + side;
                put(at, visible.lanes(key + i, side) ? wide(at) : wide(-FLT_MAX));
            }
        }
    }

    // Softmax of 16 queries, but for the division, as right tiles; a query always sees itself.
    static void weigh(const float* logits, std::int64_t keys, Half* weights, float* scales, float* log_sums) {
        Wide tops[2] = {wide(logits), wide(logits)};
        for (std::int64_t i = 0; i < keys; i += 2) {
            tops[0] = largest(tops[0], wide(logits + i * kSide));
            tops[1] = largest(tops[1], wide(logits + (i + 1) * kSide));
        }
        const Wide shift = largest(tops[0], tops[1]) * kLog2e;
        Wide sums[2] = {};
        for (std::int64_t i = 0; i < keys; i += 2) {
            const Wide even = power_of_two(multiply_add(wide(logits + i * kSide), wide(kLog2e), -shift));
            const Wide odd = power_of_two(multiply_add(wide(logits + (i + 1) * kSide), wide(kLog2e), -shift));
            sums[0] += even;
            sums[1] += odd;
            put_pairs(weights + i / kSide * 2 * kTileSize + i % kSide / 2 * kSide, even, odd);
        }
        const Wide sum = sums[0] + sums[1];
        put(scales, 1.0f / sum);
        for (int i = 0; i < kHalfSide; ++i) log_sums[i] = shift[i] + std::log2(sum[i]);
    }

    // Values times weights: [H, 32], turned into 32 rows of `out`.
    void mix(const Multiplier& multiply, const Half* values, const Half* weights, std::int64_t keys, const float* scales,
             Half* out) const {
        const std::int64_t stride = call_.heads * call_.head;
        alignas(64) float sums[kBlockSums], turned[kHalfSide * kHalfSide];
        for (std::int64_t h = 0; h < call_.head; h += kSide) {
            multiply({values + h * kSide, kSide, kTileSize, call_.head * kSide}, {weights, kTileSize, 2 * kTileSize},
                     keys / kSide, sums, kSide);
            for (int quarter = 0; quarter < 4; ++quarter) {
                const int down = quarter / 2 * kHalfSide, side = quarter % 2 * kHalfSide;
                transpose_words(sums + down * kSide + side, 4 * kSide, turned, 64);
                for (int i = 0; i < kHalfSide; ++i) {
                    put(out + (side + i) * stride + h + down, wide(turned + i * kHalfSide) * scales[side + i]);
                }
            }
        }
    }

    // x + o · mixed of some rows.
    void finish(std::int64_t first, std::int64_t count) const {
        const Multiplier multiply;
        const std::int64_t wide_columns = call_.heads * call_.head, width = call_.width;
        alignas(64) float sums[kBlockSums];
        for (std::int64_t d = 0; d < width; d += kSide) {
            for (std::int64_t row = first; row < first + count; row += kSide) {
                multiply(row_major(call_.mixed + row * wide_columns, wide_columns), panels(packed_o_, d / kHalfSide, deep_),
                         deep_, sums, kSide);
                for (int r = 0; r < 2 * kSide; ++r) {
                    const std::int64_t at = (row + r / 2) * width + d + r % 2 * kHalfSide;
                    put(call_.out + at, wide(call_.x + at) + wide(sums + r * kHalfSide));
                }
            }
        }
    }

    const AttentionTraining& call_;
    Heads heads_;
    std::int64_t steps_, deep_;
    Scratch scratch_;
    Half *packed_, *packed_o_;  // weights as right tiles
    Half* turned_;              // values as left tiles of their transposes, [B, K, T / 32, H / 16]
};

class AttentionBackward {
  public:
    explicit AttentionBackward(const AttentionTraining& call)
        : call_(call), heads_{call}, steps_(call.width / kSide), deep_(heads_.columns() / kSide),
          wide_(call.heads * call.head), task_rows_(rows_of_task(call.rows())),
          tasks_((call.rows() + task_rows_ - 1) / task_rows_), scratch_(bytes()) {
        const std::int64_t rows = call.rows();
        packed_ = scratch_.take<Half>(size(heads_.columns() * call.width));
        packed_o_ = scratch_.take<Half>(size(wide_ * call.width));
        turned_keys_ = scratch_.take<Half>(size(rows * call.kv_heads * call.head));
        d_mixed_ = scratch_.take<Half>(size(rows * wide_));
        mixed_pairs_ = scratch_.take<Half>(size(rows * wide_));
        deltas_ = scratch_.take<float>(size(rows * call.heads));
        d_projected_ = scratch_.take<Half>(size(rows * heads_.columns()));
        d_pairs_ = scratch_.take<Half>(size(rows * heads_.columns()));
        for (Half*& narrow : narrow_) narrow = scratch_.take<Half>(size(rows * call.width));
        d_keys_ = scratch_.take<float>(size(parts() * rows * call.kv_heads * call.head));
        d_values_ = scratch_.take<float>(size(parts() * rows * call.kv_heads * call.head));
        d_scales_ = scratch_.take<float>(size(tasks_ * call.width));
    }

    void run() {
        const std::int64_t rows = call_.rows(), width = call_.width, narrow = call_.kv_heads * call_.head;
        pack_backward(call_.o, width, wide_, packed_o_, steps_);
        pack_backward(call_.q, wide_, width, packed_, deep_);
        pack_backward(call_.k, narrow, width, packed_ + wide_ * kHalfSide, deep_);
        pack_backward(call_.v, narrow, width, packed_ + (wide_ + narrow) * kHalfSide, deep_);
        parallel(static_cast<int>(rows * call_.kv_heads / kSide), [&](int block) {
            turn_block(call_.keys + block * kSide * call_.head, call_.head, turned_keys_ + block * kSide * call_.head);
        });
        by_rows(rows, [&](std::int64_t first, std::int64_t count) { before(first, count); });
        parallel(static_cast<int>(call_.batch * call_.kv_heads * parts()), [&](int task) {
            const std::int64_t part = task % parts(), kv = task / parts() % call_.kv_heads;
            differentiate(task / parts() / call_.kv_heads, kv, part);
        });
        by_rows(rows, [&](std::int64_t first, std::int64_t count) { behind(first, count); });
        const std::int64_t high = width;
        const Gradient gradients[4] = {{narrow_[0], d_pairs_, rows, high, wide_, call_.d_q, true, heads_.columns()},
                                       {narrow_[0], d_pairs_ + wide_ * kSide, rows, high, narrow, call_.d_k, true, heads_.columns()},
                                       {narrow_[0], d_pairs_ + (wide_ + narrow) * kSide, rows, high, narrow, call_.d_v, true,
                                        heads_.columns()},
                                       {narrow_[1], mixed_pairs_, rows, high, wide_, call_.d_o, false, wide_}};
        make_gradients(gradients, 4);
        for (std::int64_t i = 0; i < width; i += kHalfSide) {
            Wide sum{};
            for (std::int64_t task = 0; task < tasks_; ++task) sum += wide(d_scales_ + task * width + i);
            put(call_.d_scale + i, sum);
        }
    }

  private:
    // Parts of a sequence's queries that different threads may take; each adds up gradients of keys of its own.
    std::int64_t parts() const {
        const std::int64_t wanted = 2 * thread_count(), there = call_.batch * call_.kv_heads;
        return smaller(call_.length / kSide, (wanted + there - 1) / there);
    }

    std::size_t bytes() const {
        const std::int64_t rows = call_.rows(), keys = rows * call_.kv_heads * call_.head;
        return Scratch::size_of<Half>(size(heads_.columns() * call_.width)) + Scratch::size_of<Half>(size(wide_ * call_.width)) +
               Scratch::size_of<Half>(size(keys)) + 2 * Scratch::size_of<Half>(size(rows * wide_)) +
               Scratch::size_of<float>(size(rows * call_.heads)) + 2 * Scratch::size_of<Half>(size(rows * heads_.columns())) +
               2 * Scratch::size_of<Half>(size(rows * call_.width)) + 2 * Scratch::size_of<float>(size(parts() * keys)) +
               Scratch::size_of<float>(size(tasks_ * call_.width));
    }

    // Gradients of what was mixed, and what else other parts need of some rows.
    void before(std::int64_t first, std::int64_t count) const {
        const Multiplier multiply;
        const std::int64_t width = call_.width;
        Scratch scratch(Scratch::size_of<Half>(size(kSide * width)));
        Half* const normed = scratch.take<Half>(size(kSide * width));
        alignas(64) float sums[kBlockSums];
        for (std::int64_t row = first; row < first + count; row += kSide) {
            for (std::int64_t c = 0; c < wide_; c += kSide) {
                multiply(row_major(call_.d_out + row * width, width), panels(packed_o_, c / kHalfSide, steps_), steps_, sums, kSide);
                place(row, c, sums);
            }
            for (std::int64_t c = 0; c < wide_; c += kHalfSide) {
                pair_rows(call_.mixed + row * wide_ + c, wide_, mixed_pairs_ + row * wide_ + c * kSide);
            }
            for (int r = 0; r < kSide; ++r) {
                norm_row(call_.x + (row + r) * width, call_.scale, width, call_.eps, normed + r * width, kSide);
            }
            turn_block(normed, width, narrow_[0] + row * width);
            turn_block(call_.d_out + row * width, width, narrow_[1] + row * width);
        }
    }

    // A block of d_mixed, to its head's rows, and its part of delta = Σ mixed · d_mixed.
    void place(std::int64_t row, std::int64_t column, const float* sums) const {
        const std::int64_t head = column / call_.head, at = column % call_.head;
        const std::int64_t b = row / call_.length, t = row % call_.length;
        Half* const to = d_mixed_ + heads_.query(b, head, t) + at;
        float* const deltas = deltas_ + heads_.log_sum(b, head, t);
        for (int r = 0; r < kSide; ++r) {
            const Half* mixed = call_.mixed + (row + r) * wide_ + column;
            const Wide left = wide(sums + r * kSide), right = wide(sums + r * kSide + kHalfSide);
            put(to + r * call_.head, left);
            put(to + r * call_.head + kHalfSide, right);
            const float delta = total(left * wide(mixed) + right * wide(mixed + kHalfSide));
            deltas[r] = at == 0 ? delta : deltas[r] + delta;
        }
    }

    // Packed forms of 32 queries of each head of a group.
    struct Queries {
        Half *columns, *d_columns;  // [group, 2, H / 32]: rows as columns of a product
        Half *pairs, *d_pairs;      // [group, H / 16]: rows as they are
        Half *weights, *d_logits;   // [group, 2] left tiles: keys × queries
        Half* d_logit_pairs;        // [group, T / 32, 2] right tiles
    };

    // Gradients of the queries of one part, and the part's share in those of keys and values.
    void differentiate(std::int64_t b, std::int64_t kv, std::int64_t part) const {
        const std::int64_t group = heads_.group(), area = call_.length * call_.head;
        const std::int64_t at = part * call_.rows() * call_.kv_heads * call_.head + heads_.key(b, kv, 0);
        float *const d_keys = d_keys_ + at, *const d_values = d_values_ + at;
        for (std::int64_t i = 0; i < area; i += kHalfSide) put(d_keys + i, Wide{}), put(d_values + i, Wide{});
        const std::int64_t packed = group * kSide * call_.head, block = group * kBlockSums;
        Scratch scratch(4 * Scratch::size_of<Half>(size(packed)) + 2 * Scratch::size_of<Half>(size(block)) +
                        Scratch::size_of<Half>(size(group * kSide * call_.length)));
        Queries queries;
        for (Half** to : {&queries.columns, &queries.d_columns, &queries.pairs, &queries.d_pairs}) *to = scratch.take<Half>(size(packed));
        queries.weights = scratch.take<Half>(size(block));
        queries.d_logits = scratch.take<Half>(size(block));
        queries.d_logit_pairs = scratch.take<Half>(size(group * kSide * call_.length));
        const Multiplier multiply;
        for (std::int64_t t = part * kSide; t < call_.length; t += parts() * kSide) {
            for (std::int64_t g = 0; g < group; ++g) pack(b, kv * group + g, t, g, queries);
            const Visible visible(call_, b, t);
            for (std::int64_t key = visible.first(); key < visible.end(); key += kSide) {
                for (std::int64_t g = 0; g < group; ++g) logits(multiply, visible, b, kv * group + g, key, t, g, queries);
                for (std::int64_t h = 0; h < call_.head; h += kSide) {
                    multiply({queries.weights, kSide, kTileSize, 2 * kTileSize},
                             {queries.d_pairs + h * kSide, kTileSize, call_.head * kSide}, group, d_values + key * call_.head + h,
                             call_.head, true);
                    multiply({queries.d_logits, kSide, kTileSize, 2 * kTileSize},
                             {queries.pairs + h * kSide, kTileSize, call_.head * kSide}, group, d_keys + key * call_.head + h,
                             call_.head, true);
                }
            }
            for (std::int64_t g = 0; g < group; ++g) finish(multiply, visible, b, kv * group + g, kv, t, g, queries);
        }
    }

    void pack(std::int64_t b, std::int64_t n, std::int64_t t, std::int64_t g, const Queries& to) const {
        const std::int64_t steps = call_.head / kSide, at = g * kSide * call_.head;
        const Half *query = call_.queries + heads_.query(b, n, t), *change = d_mixed_ + heads_.query(b, n, t);
        for (std::int64_t i = 0; i < 2 * steps; ++i) {
            const std::int64_t from = i / steps * kHalfSide * call_.head + i % steps * kSide;
            pair_columns(query + from, call_.head, to.columns + at + i * kTileSize);
            pair_columns(change + from, call_.head, to.d_columns + at + i * kTileSize);
            pair_rows(query + i * kHalfSide, call_.head, to.pairs + at + i * kTileSize);
            pair_rows(change + i * kHalfSide, call_.head, to.d_pairs + at + i * kTileSize);
        }
    }

    // Weights and gradients of logits of 32 keys and 32 queries.
    void logits(const Multiplier& multiply, const Visible& visible, std::int64_t b, std::int64_t n, std::int64_t key,
                std::int64_t t, std::int64_t g, const Queries& queries) const {
        alignas(64) float made[kBlockSums], changes[kBlockSums];
        const std::int64_t steps = call_.head / kSide, from = heads_.key(b, n / heads_.group(), key), at = g * kSide * call_.head;
        multiply(row_major(call_.keys + from, call_.head), panels(queries.columns + at, 0, steps), steps, made, kSide);
        multiply(row_major(call_.values + from, call_.head), panels(queries.d_columns + at, 0, steps), steps, changes, kSide);
        const bool whole = visible.whole(key);
        const std::int64_t row = heads_.log_sum(b, n, t);
        Half *const weights = queries.weights + g * kBlockSums, *const d_logits = queries.d_logits + g * kBlockSums;
        Half* const pairs = queries.d_logit_pairs + g * kSide * call_.length + key * kSide;
        for (int side = 0; side < kSide; side += kHalfSide) {
            const Wide log_sums = wide(call_.log_sums + row + side), deltas = wide(deltas_ + row + side);
            for (int i = 0; i < kSide; i += 2) {
                Wide d_logit[2];
                for (int j = 0; j < 2; ++j) {
                    const int from_block = (i + j) * kSide + side;
                    Wide weight = power_of_two(multiply_add(wide(made + from_block), wide(kLog2e), -log_sums));
                    if (!whole) weight = visible.lanes(key + i + j, side) ? weight : Wide{};
                    d_logit[j] = weight * (wide(changes + from_block) - deltas);
                    put(weights + from_block, weight);
                    put(d_logits + from_block, d_logit[j]);
                }
                put_pairs(pairs + side / kHalfSide * kTileSize + i / 2 * kSide, d_logit[0], d_logit[1]);
            }
        }
    }

    // Gradients of 32 queries: keys times gradients of logits [H, 32], turned, and turned back by their positions.
    void finish(const Multiplier& multiply, const Visible& visible, std::int64_t b, std::int64_t n, std::int64_t kv,
                std::int64_t t, std::int64_t g, const Queries& queries) const {
        alignas(64) float sums[kBlockSums], turned[kSide * kMostHead];
        const std::int64_t first = visible.first(), head = call_.head;
        for (std::int64_t h = 0; h < head; h += kSide) {
            multiply({turned_keys_ + heads_.key(b, kv, first) + h * kSide, kSide, kTileSize, head * kSide},
                     {queries.d_logit_pairs + g * kSide * call_.length + first * kSide, kTileSize, 2 * kTileSize},
                     (visible.end() - first) / kSide, sums, kSide);
            for (int quarter = 0; quarter < 4; ++quarter) {
                const int down = quarter / 2 * kHalfSide, side = quarter % 2 * kHalfSide;
                transpose_words(sums + down * kSide + side, 4 * kSide, turned + side * head + h + down, 4 * head);
            }
        }
        const float scale = 1.0f / std::sqrt(static_cast<float>(head));
        for (int r = 0; r < kSide; ++r) {
            const std::int64_t row = b * call_.length + t + r;
            rotate(turned + r * head, call_.cosines + row * head / 2, call_.sines + row * head / 2, head / 2, -1.0f, scale,
                   d_projected_ + row * heads_.columns() + n * head);
        }
    }

    // Gradients of keys and values to some rows of d_projected, and then those of x.
    void behind(std::int64_t first, std::int64_t count) const {
        const Multiplier multiply;
        const std::int64_t width = call_.width, columns = heads_.columns();
        Scratch scratch(Scratch::size_of<float>(size(kSide * width)));
        float* const d_normed = scratch.take<float>(size(kSide * width));
        float* const d_scale = d_scales_ + first / task_rows_ * width;
        for (std::int64_t i = 0; i < width; ++i) d_scale[i] = 0;
        for (std::int64_t row = first; row < first + count; row += kSide) {
            for (int r = 0; r < kSide; ++r) {
                for (std::int64_t kv = 0; kv < call_.kv_heads; ++kv) gather(row + r, kv);
            }
            for (std::int64_t c = 0; c < columns; c += kHalfSide) {
                pair_rows(d_projected_ + row * columns + c, columns, d_pairs_ + row * columns + c * kSide);
            }
            for (std::int64_t d = 0; d < width; d += kSide) {
                multiply(row_major(d_projected_ + row * columns, columns), panels(packed_, d / kHalfSide, deep_), deep_, d_normed + d, width);
            }
            for (int r = 0; r < kSide; ++r) {
                const std::int64_t at = (row + r) * width;
                norm_row_backward(call_.x + at, call_.scale, width, call_.eps, d_normed + r * width, call_.d_out + at,
                                  call_.d_x + at, d_scale);
            }
        }
    }

    // Gradients of one key and value, of all parts.
    void gather(std::int64_t row, std::int64_t kv) const {
        const std::int64_t head = call_.head, all = call_.rows() * call_.kv_heads * head;
        const std::int64_t from = heads_.key(row / call_.length, kv, row % call_.length);
        Half* const to = d_projected_ + row * heads_.columns() + wide_ + kv * head;
        alignas(64) float sums[kMostHead];
        for (std::int64_t i = 0; i < head; i += kHalfSide) {
            Wide key{}, value{};
            for (std::int64_t part = 0; part < parts(); ++part) {
                key += wide(d_keys_ + part * all + from + i);
                value += wide(d_values_ + part * all + from + i);
            }
            put(sums + i, key);
            put(to + call_.kv_heads * head + i, value);
        }
        rotate(sums, call_.cosines + row * head / 2, call_.sines + row * head / 2, head / 2, -1.0f, 1.0f, to);
    }

    const AttentionTraining& call_;
    Heads heads_;
    std::int64_t steps_, deep_, wide_, task_rows_, tasks_;
    Scratch scratch_;
    Half *packed_, *packed_o_;             // weights as right tiles
    Half* turned_keys_;                    // left tiles of the transposed keys, [B, K, T / 32, H / 16]
    Half *d_mixed_, *mixed_pairs_;         // [B, N, T, H]; right tiles [rows / 32, N · H / 16]
    float* deltas_;                        // [B, N, T]
    Half *d_projected_, *d_pairs_;         // of q, k and v: [rows, (N + 2K) · H]; right tiles
    Half* narrow_[2];                      // the normed rows and d_out: left tiles of their transposes [rows / 32, D / 16]
    float *d_keys_, *d_values_;            // [parts, B, K, T, H]
    float* d_scales_;                      // [tasks, D]
};

}  // namespace

void attention_forward(const AttentionTraining& call) { AttentionForward(call).run(); }
void attention_backward(const AttentionTraining& call) { AttentionBackward(call).run(); }

}  // namespace CODEGEM_SET
}  // namespace codegem
