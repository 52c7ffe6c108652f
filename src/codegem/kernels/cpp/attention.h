// Attention of new positions behind a cache of keys and values.
#pragma once

#include <cstdint>

namespace codegem {

// All arrays are row-major. T new positions of sequence b stand behind `lengths[b]` filled slots of the cache.
struct Attention {
    const float* q;              // [B, T, N, H], neither rotated nor scaled
    const float* k;              // [B, T, K, H], not rotated
    const float* v;              // [B, T, K, H]
    void* keys;                  // [B, S, K, H]; slots lengths[b] … lengths[b] + T - 1 are written
    void* values;                // [B, S, K, H]
    const std::int32_t* lengths; // [B], each from 0 to S - T
    const float* frequencies;    // [H / 2]: radians a position
    float* mixed;                // [B, T, N, H]
    std::int64_t batch, rows, heads, kv_heads, head, capacity;  // B, T, N, K, H, S
    bool bfloat16;               // the caches hold bfloat16 rather than float32
};

}  // namespace codegem
