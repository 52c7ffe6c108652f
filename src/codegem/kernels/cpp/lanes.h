// Sixteen floats, one for each output row of a panel, in as many vectors as the instruction set needs.
#pragma once

#include <cstdint>
#include <cstring>

#include "attention_vector.h"
#include "products.h"

namespace codegem {
namespace CODEGEM_SET {
namespace {

constexpr int kParts = kPanel / kLanes;

constexpr int kSlots = 16;  // Panels of one pass over the activations

struct Lanes {
    Floats part[kParts];
};

inline Lanes load_lanes(const float* from) {
    Lanes x;
    std::memcpy(&x, from, sizeof x);
    return x;
}

inline void store_lanes(float* to, const Lanes& x) { std::memcpy(to, &x, sizeof x); }

inline Lanes load_ints(const std::int32_t* from) {
    Lanes x;
    for (int i = 0; i < kParts; ++i) {
        Ints ints;
        std::memcpy(&ints, from + i * kLanes, sizeof ints);
        x.part[i] = __builtin_convertvector(ints, Floats);
    }
    return x;
}

inline Lanes zero_lanes() { return Lanes{}; }

inline Lanes times(const Lanes& x, float factor) {
    Lanes y;
    for (int i = 0; i < kParts; ++i) y.part[i] = x.part[i] * factor;
    return y;
}

inline Lanes add_product(const Lanes& a, const Lanes& b, const Lanes& c) {
    Lanes y;
    for (int i = 0; i < kParts; ++i) y.part[i] = fma(a.part[i], b.part[i], c.part[i]);
    return y;
}

inline Lanes widened_lanes(const std::uint16_t* bfloat16) {
    typedef std::uint16_t Halves __attribute__((vector_size(2 * kLanes)));
    Lanes y;
    for (int i = 0; i < kParts; ++i) {
        Halves halves;
        std::memcpy(&halves, bfloat16 + i * kLanes, sizeof halves);
        y.part[i] = reinterpret_cast<Floats>(__builtin_convertvector(halves, Words) << 16);
    }
    return y;
}

template <int kSpan, int... kLane, typename Vector>
inline Vector exchanged(Vector x, std::integer_sequence<int, kLane...>) {
    return __builtin_shufflevector(x, x, (kLane ^ kSpan)...);
}

// Every lane becomes `combine` of all lanes, in pairs at growing distance.
template <int kSpan = 1, typename Vector, typename Combine>
inline Vector across_lanes(Vector x, Combine combine) {
    if constexpr (kSpan < kLanes) {
        x = combine(x, exchanged<kSpan>(x, std::make_integer_sequence<int, kLanes>()));
        return across_lanes<2 * kSpan>(x, combine);
    } else {
        return x;
    }
}

template <typename Vector>
inline Vector sum_across(Vector x) {
    return across_lanes(x, [](Vector a, Vector b) { return a + b; });
}

// The tanh form of GELU, written with the logistic function: x · σ(2·√(2/π)·(x + 0.044715 x³)).
inline Floats gelu(Floats x) {
    constexpr float kLog2 = 1.44269504089f, kRoot = 0.79788456080f;
    const Floats cubed = x * x * x;
    const Floats z = (x + cubed * 0.044715f) * (2.0f * kRoot * kLog2);
    const Floats e = exp2(z > 0.0f ? -z : z);
    return x * (z > 0.0f ? splat(1.0f) : e) / (e + 1.0f);
}

}  // namespace
}  // namespace CODEGEM_SET
}  // namespace codegem
