// Gradients of the parts of a transformer, for training in bfloat16. All arrays are row-major and in bfloat16 (given as
// uint16) unless said; all sizes are multiples of 32, and so is the number of rows.
#pragma once

#include <cstdint>

namespace codegem {

// Σ weight · (logsumexp(logits) - logits[target]) with logits = hidden · embeddingᵀ, and its gradients.
struct CrossEntropy {
    const std::uint16_t *hidden, *embedding;  // [R, D], [V, D]
    const std::int32_t* targets;              // [R], each in 0 … V - 1
    const float* weights;                     // [R]
    float* loss;                              // [1]
    std::uint16_t *d_hidden, *d_embedding;    // or null: the second one, or both
    std::int64_t rows, width, vocabulary;
};

// x + down · (gelu(gate · n) · (up · n)), n being x behind an RMSNorm, and its gradients.
struct MlpTraining {
    const std::uint16_t *x, *gate, *up, *down;  // [R, D], [F, D], [F, D], [D, F]
    const float* scale;                         // [D]
    std::uint16_t *gates, *ups;                 // [R / 32, F / 32, 32, 32]: gate · n and up · n, made by the forward pass
    std::uint16_t* out;                         // [R, D]
    const std::uint16_t* d_out;                 // [R, D]
    std::uint16_t *d_x, *d_gate, *d_up, *d_down;
    float* d_scale;
    std::int64_t rows, width, hidden;
    float eps;
};

// x + o · attention(q · n, k · n, v · n), with rotary positions, and its gradients. A query sees earlier positions of
// the same segment; each of K key/value heads serves N/K query heads.
struct AttentionTraining {
    const std::uint16_t *x, *q, *k, *v, *o;  // [B · T, D], [N · H, D], [K · H, D] twice, [D, N · H]
    const float* scale;                      // [D]
    const float *cosines, *sines;            // [B · T, H / 2]
    const std::int32_t* segments;            // [B, T]
    std::uint16_t *queries, *keys, *values;  // [B, N, T, H] rotated and times H^-0.5, [B, K, T, H] rotated, [B, K, T, H]
    std::uint16_t* mixed;                    // [B · T, N · H]
    float* log_sums;                         // [B, N, T], to the base of 2
    std::uint16_t* out;                      // [B · T, D]
    const std::uint16_t* d_out;              // [B · T, D]
    std::uint16_t *d_x, *d_q, *d_k, *d_v, *d_o;
    float* d_scale;
    std::int64_t batch, length, width, heads, kv_heads, head;  // B, T, D, N, K, H
    float eps;

    std::int64_t rows() const { return batch * length; }
};

// A matrix of floats, and where its result goes.
struct Matrix32 {
    const float* in;
    float* out;
    std::int64_t rows, columns;
};

// Newton and Schulz's iteration x = a · x + (b · s + c · s · s) · x, s = x · xᵀ, of matrices of length 1, which brings
// their singular values near 1. Products are of bfloat16.
struct Orthogonal {
    const Matrix32* matrices;  // the largest ones first
    int count, steps;
    float a, b, c;
};

}  // namespace codegem
