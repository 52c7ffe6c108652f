// Vectors of floats as wide as the instruction set has them, by the vector extensions of GCC and Clang.
#pragma once

#include <cstdint>
#include <cstring>
#include <utility>

#if defined(__AVX2__) || defined(__AVX512F__)
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"  // GCC 12 warns of its own header, PR 105593
#pragma GCC diagnostic ignored "-Wuninitialized"
#endif
#include <immintrin.h>
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif
#elif defined(__ARM_NEON)
#include <arm_neon.h>
#endif

namespace codegem {
namespace CODEGEM_SET {
namespace {

#if defined(__AVX512F__)
constexpr int kLanes = 16;
#elif defined(__AVX2__)
constexpr int kLanes = 8;
#else
constexpr int kLanes = 4;
#endif

typedef float Floats __attribute__((vector_size(4 * kLanes)));
typedef std::int32_t Ints __attribute__((vector_size(4 * kLanes)));
typedef std::uint32_t Words __attribute__((vector_size(4 * kLanes)));

inline Floats load(const float* from) {
    Floats x;
    std::memcpy(&x, from, sizeof x);
    return x;
}

inline void store(float* to, Floats x) { std::memcpy(to, &x, sizeof x); }

inline Floats splat(float x) { return x - Floats{}; }

inline Floats larger(Floats a, Floats b) { return a > b ? a : b; }

// a · b + c, rounded once where the processor can. The same function everywhere: a result's last bit must not depend
// on the loop that made it.
inline Floats fma(Floats a, Floats b, Floats c) {
#if defined(__AVX512F__)
    return _mm512_fmadd_ps(a, b, c);
#elif defined(__FMA__)
    return _mm256_fmadd_ps(a, b, c);
#elif defined(__ARM_NEON)
    return vfmaq_f32(c, a, b);
#else
    return a * b + c;
#endif
}

// 2^x for x up to 0, 0 below -126. The largest relative error over all floats there is 1.8e-7, and 2^0 is 1.
inline Floats exp2(Floats x) {
    const Floats inside = larger(x, splat(-126.0f));
    // Adding 1.5 · 2^23 rounds to an integer and leaves it in the low bits.
    const Floats shifted = inside + 12582912.0f;
    const Floats rest = inside - (shifted - 12582912.0f);
    // Our own minimax fit of 2^x on [-1/2, 1/2] with value 1 at 0; its relative error is 9.2e-8.
    Floats y = fma(splat(0.001326472731307149f), rest, splat(0.009671512991189957f));
    y = fma(y, rest, splat(0.05550733581185341f));
    y = fma(y, rest, splat(0.24022242426872253f));
    y = fma(y, rest, splat(0.6931470036506653f));
    y = fma(y, rest, splat(1.0f));
    y = reinterpret_cast<Floats>(reinterpret_cast<Ints>(y) + (reinterpret_cast<Ints>(shifted) << 23));
    return x >= -126.0f ? y : Floats{};
}

inline float largest_lane(Floats x) {
    float largest = x[0];
    for (int i = 1; i < kLanes; ++i) largest = x[i] > largest ? x[i] : largest;
    return largest;
}

template <int kSpan, int... kLane>
inline Floats fold_two(Floats a, Floats b, std::integer_sequence<int, kLane...>) {
    return __builtin_shufflevector(a, b, (kLane & kSpan ? kLanes + kLane - kSpan : kLane)...) +
           __builtin_shufflevector(a, b, (kLane & kSpan ? kLanes + kLane : kLane + kSpan)...);
}

template <int kSpan>
inline void fold_level(Floats* x) {
    if constexpr (kSpan > 0) {
        for (int i = 0; i < kSpan; ++i) {
            x[i] = fold_two<kSpan>(x[i], x[i + kSpan], std::make_integer_sequence<int, kLanes>());
        }
        fold_level<kSpan / 2>(x);
    }
}

// Lane i of the result is the sum of the lanes of x[i]; halves are added, then quarters, and so on.
inline Floats fold(Floats (&x)[kLanes]) {
    fold_level<kLanes / 2>(x);
    return x[0];
}

// bfloat16 is the upper half of a float32.
inline float widened(std::uint16_t x) {
    const std::uint32_t word = static_cast<std::uint32_t>(x) << 16;
    float value;
    std::memcpy(&value, &word, sizeof value);
    return value;
}

// To the nearest, ties to even; a NaN stays one.
inline std::uint16_t narrowed(float x) {
    std::uint32_t word;
    std::memcpy(&word, &x, sizeof word);
    const std::uint32_t rounded = (word + 0x7fffu + (word >> 16 & 1u)) >> 16;
    return static_cast<std::uint16_t>(x == x ? rounded : (word >> 16 | 0x40u));
}

}  // namespace
}  // namespace CODEGEM_SET
}  // namespace codegem
