// Rotary positions of single rows (half-split pairs, arXiv 2104.09864), in float32.
#pragma once

#include <cstdint>
#include <cstring>

#include "attention_vector.h"

namespace codegem {
namespace CODEGEM_SET {
namespace {

// Sines and cosines of position · frequency; errors below 1e-7 at positions up to 8,191, beside float32's
// rounding of the angle. The arrays are a whole number of vectors long.
inline void sines_and_cosines(std::int64_t position, const float* frequencies, int count, float* sines, float* cosines) {
    const Floats at = splat(static_cast<float>(position));
    for (int i = 0; i < count; i += kLanes) {
        const Floats angle = at * load(frequencies + i);
        // Quarter turns; adding 1.5 · 2^23 rounds to an integer and leaves it in the low bits.
        const Floats shifted = angle * 0.636619772f + 12582912.0f;
        const Floats turns = shifted - 12582912.0f;
        const Words quarter = reinterpret_cast<Words>(shifted);
        // pi/2 in three parts: turns times each of the first two is exact up to 8192 turns.
        const Floats x = ((angle - turns * 1.5703125f) - turns * 4.837512969970703125e-4f) - turns * 7.54978995489e-8f;
        const Floats square = x * x;
        // Our own minimax fits on [-pi/4, pi/4], with errors below 4e-9.
        Floats sine = fma(square, splat(-0.00019517297914717346f), splat(0.008332177996635437f));
        sine = fma(square, sine, splat(-0.16666655242443085f));
        sine = fma(x * square, sine, x);
        Floats cosine = fma(square, splat(2.44331567955669e-05f), splat(-0.0013887316454201937f));
        cosine = fma(square, cosine, splat(0.04166664555668831f));
        cosine = fma(square * square, cosine, 1.0f - 0.5f * square);
        const Words swap = -(quarter & 1u);
        const Words sine_bits = reinterpret_cast<Words>(sine), cosine_bits = reinterpret_cast<Words>(cosine);
        const Words s = (sine_bits & ~swap) | (cosine_bits & swap), c = (cosine_bits & ~swap) | (sine_bits & swap);
        store(sines + i, reinterpret_cast<Floats>(s ^ (quarter & 2u) << 30));
        store(cosines + i, reinterpret_cast<Floats>(c ^ ((quarter + 1u) & 2u) << 30));
    }
}

// out = scale · x, each pair (i, i + half) turned by its angle.
inline void rotate(const float* __restrict x, const float* __restrict sines, const float* __restrict cosines, int half,
                   float scale, float* __restrict out) {
    for (int i = 0; i < half; ++i) {
        const float first = x[i], second = x[i + half];
        out[i] = (first * cosines[i] - second * sines[i]) * scale;
        out[i + half] = (second * cosines[i] + first * sines[i]) * scale;
    }
}

inline void write_slot(const float* x, int count, float* slot) { std::memcpy(slot, x, sizeof(float) * count); }

inline void write_slot(const float* x, int count, std::uint16_t* slot) {
    for (int i = 0; i < count; ++i) slot[i] = narrowed(x[i]);
}

}  // namespace
}  // namespace CODEGEM_SET
}  // namespace codegem
