// Integer products of a panel's codes with a few rows of activations: one header, by instruction set.
//
// `Sums` holds sixteen int32. `start` gives them the block's correction, and `add_columns<kRows, kBits>` adds the
// products of 32 columns to the sums of kRows rows. Codes that an instruction wants unsigned are taken with an offset
// (8 for 4 bits, 128 for 8); the correction takes it out again, so the sums are exact and the same everywhere.
#pragma once

#include "activations.h"

namespace codegem {
namespace CODEGEM_SET {
namespace {

constexpr int kColumns = 32;  // Columns of one step

// Bytes of a panel's codes for 32 columns.
template <int kBits>
constexpr int kStepBytes = kColumns * kPanel * kBits / 8;

#if defined(__AVX512VNNI__)

constexpr int kMostRows = 8;

// Two sums a row, because an addition takes five cycles and there are few rows.
struct Sums {
    __m512i even, odd;
};

template <int kBits>
inline void start(Sums& sums, std::int32_t correction) {
    sums.even = _mm512_set1_epi32(correction);
    if (kBits == 8) sums.even = _mm512_slli_epi32(sums.even, 4);
    sums.odd = _mm512_setzero_si512();
}

inline __m512i spread(const std::int8_t* four) {
    std::int32_t word;
    std::memcpy(&word, four, sizeof word);
    return _mm512_set1_epi32(word);
}

template <int kRows, int kBits>
inline void add_columns(const std::uint8_t* codes, const std::int8_t* x, Sums* sums) {
#pragma GCC unroll 8
    for (int i = 0; i < kStepBytes<kBits> / 64; ++i) {
        const __m512i bytes = _mm512_loadu_si512(codes + 64 * i);
        if (kBits == 4) {
            const __m512i mask = _mm512_set1_epi8(15);
            const __m512i low = _mm512_and_si512(bytes, mask);
            const __m512i high = _mm512_and_si512(_mm512_srli_epi16(bytes, 4), mask);
#pragma GCC unroll 8
            for (int r = 0; r < kRows; ++r) {
                const std::int8_t* row = x + kTileColumns * r + 8 * i;
                sums[r].even = _mm512_dpbusd_epi32(sums[r].even, low, spread(row));
                sums[r].odd = _mm512_dpbusd_epi32(sums[r].odd, high, spread(row + 4));
            }
        } else {
            const __m512i shifted = _mm512_xor_si512(bytes, _mm512_set1_epi8(-128));
#pragma GCC unroll 8
            for (int r = 0; r < kRows; ++r) {
                __m512i& sum = i % 2 == 0 ? sums[r].even : sums[r].odd;
                sum = _mm512_dpbusd_epi32(sum, shifted, spread(x + kTileColumns * r + 4 * i));
            }
        }
    }
}

inline Lanes to_floats(const Sums& sums) { return {{_mm512_cvtepi32_ps(_mm512_add_epi32(sums.even, sums.odd))}}; }

#elif defined(__AVX2__)

constexpr int kMostRows = 4;

struct Sums {
    __m256i half[2];
};

#if defined(__AVXVNNI__)
constexpr bool kOffset8 = true;
#else
constexpr bool kOffset8 = false;  // the pairs' sums of unsigned bytes would not fit 16 bits
#endif

template <int kBits>
inline void start(Sums& sums, std::int32_t correction) {
    const __m256i word = _mm256_set1_epi32(correction);
    const __m256i first = kBits == 4 ? word : kOffset8 ? _mm256_slli_epi32(word, 4) : _mm256_setzero_si256();
    sums.half[0] = sums.half[1] = first;
}

inline __m256i spread(const std::int8_t* four) {
    std::int32_t word;
    std::memcpy(&word, four, sizeof word);
    return _mm256_set1_epi32(word);
}

#if defined(__AVXVNNI__)

template <int kRows, int kBits>
inline void add_columns(const std::uint8_t* codes, const std::int8_t* x, Sums* sums) {
    for (int i = 0; i < kStepBytes<kBits> / 64; ++i) {
        for (int h = 0; h < 2; ++h) {
            const __m256i bytes = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(codes + 64 * i + 32 * h));
            const __m256i mask = _mm256_set1_epi8(15);
            const __m256i low = kBits == 4 ? _mm256_and_si256(bytes, mask)
                                           : _mm256_xor_si256(bytes, _mm256_set1_epi8(-128));
            const __m256i high = _mm256_and_si256(_mm256_srli_epi16(bytes, 4), mask);
            for (int r = 0; r < kRows; ++r) {
                const std::int8_t* row = x + kTileColumns * r + (kBits == 4 ? 8 : 4) * i;
                sums[r].half[h] = _mm256_dpbusd_avx_epi32(sums[r].half[h], low, spread(row));
                if (kBits == 4) sums[r].half[h] = _mm256_dpbusd_avx_epi32(sums[r].half[h], high, spread(row + 4));
            }
        }
    }
}

#else

template <int kRows, int kBits>
inline void add_columns(const std::uint8_t* codes, const std::int8_t* x, Sums* sums) {
    const __m256i ones = _mm256_set1_epi16(1);
    for (int h = 0; h < 2; ++h) {
        // Of 4-bit codes, 32 columns fit in 16 bits: 8 pairs of 15 · 127 · 2 each.
        __m256i pairs[kRows] = {};
        for (int i = 0; i < kStepBytes<kBits> / 64; ++i) {
            const __m256i bytes = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(codes + 64 * i + 32 * h));
            const __m256i mask = _mm256_set1_epi8(15);
            const __m256i low = kBits == 4 ? _mm256_and_si256(bytes, mask) : _mm256_abs_epi8(bytes);
            const __m256i high = _mm256_and_si256(_mm256_srli_epi16(bytes, 4), mask);
            for (int r = 0; r < kRows; ++r) {
                const std::int8_t* row = x + kTileColumns * r + (kBits == 4 ? 8 : 4) * i;
                if (kBits == 4) {
                    const __m256i both = _mm256_add_epi16(_mm256_maddubs_epi16(low, spread(row)),
                                                          _mm256_maddubs_epi16(high, spread(row + 4)));
                    pairs[r] = _mm256_add_epi16(pairs[r], both);
                } else {
                    const __m256i both = _mm256_maddubs_epi16(low, _mm256_sign_epi8(spread(row), bytes));
                    sums[r].half[h] = _mm256_add_epi32(sums[r].half[h], _mm256_madd_epi16(both, ones));
                }
            }
        }
        if (kBits == 4) {
            for (int r = 0; r < kRows; ++r) {
                sums[r].half[h] = _mm256_add_epi32(sums[r].half[h], _mm256_madd_epi16(pairs[r], ones));
            }
        }
    }
}

#endif

inline Lanes to_floats(const Sums& sums) {
    return {{_mm256_cvtepi32_ps(sums.half[0]), _mm256_cvtepi32_ps(sums.half[1])}};
}

#elif defined(__ARM_FEATURE_DOTPROD)

constexpr int kMostRows = 4;

struct Sums {
    int32x4_t quarter[4];
};

template <int kBits>
inline void start(Sums& sums, std::int32_t correction) {
    for (int q = 0; q < 4; ++q) sums.quarter[q] = vdupq_n_s32(kBits == 4 ? correction : 0);
}

// Four columns of a row against four columns of four outputs.
inline int32x4_t dot(int32x4_t sums, int8x16_t codes, const std::int8_t* four) {
    std::int32_t word;
    std::memcpy(&word, four, sizeof word);
    return vdotq_s32(sums, codes, vreinterpretq_s8_s32(vdupq_n_s32(word)));
}

template <int kRows, int kBits>
inline void add_columns(const std::uint8_t* codes, const std::int8_t* x, Sums* sums) {
    for (int i = 0; i < kStepBytes<kBits> / 64; ++i) {
        for (int q = 0; q < 4; ++q) {
            const uint8x16_t bytes = vld1q_u8(codes + 64 * i + 16 * q);
            const int8x16_t low = vreinterpretq_s8_u8(kBits == 4 ? vandq_u8(bytes, vdupq_n_u8(15)) : bytes);
            const int8x16_t high = vreinterpretq_s8_u8(vshrq_n_u8(bytes, 4));
            for (int r = 0; r < kRows; ++r) {
                const std::int8_t* row = x + kTileColumns * r + (kBits == 4 ? 8 : 4) * i;
                sums[r].quarter[q] = dot(sums[r].quarter[q], low, row);
                if (kBits == 4) sums[r].quarter[q] = dot(sums[r].quarter[q], high, row + 4);
            }
        }
    }
}

inline Lanes to_floats(const Sums& sums) {
    Lanes lanes;
    for (int q = 0; q < 4; ++q) lanes.part[q] = vcvtq_f32_s32(sums.quarter[q]);
    return lanes;
}

#else

constexpr int kMostRows = 4;

struct Sums {
    std::int32_t lane[kPanel];
};

template <int kBits>
inline void start(Sums& sums, std::int32_t correction) {
    for (int n = 0; n < kPanel; ++n) sums.lane[n] = kBits == 4 ? correction : 0;
}

// In 16 bits wherever the products fit, because the loops over the lanes then become vectors of twice the width.
template <int kRows, int kBits>
inline void add_columns(const std::uint8_t* codes, const std::int8_t* x, Sums* sums) {
    for (int i = 0; i < kStepBytes<kBits> / 64; ++i) {
        for (int r = 0; r < kRows; ++r) {
            const std::int8_t* row = x + kTileColumns * r + (kBits == 4 ? 8 : 4) * i;
            for (int n = 0; n < kPanel; ++n) {
                const std::uint8_t* bytes = codes + 64 * i + 4 * n;
                std::int32_t sum = 0;
                for (int j = 0; j < 4; ++j) {
                    if (kBits == 4) {
                        sum += (bytes[j] & 15) * row[j] + (bytes[j] >> 4) * row[4 + j];
                    } else {
                        sum += static_cast<std::int8_t>(bytes[j]) * row[j];
                    }
                }
                sums[r].lane[n] += sum;
            }
        }
    }
}

inline Lanes to_floats(const Sums& sums) {
    alignas(64) float floats[kPanel];
    for (int n = 0; n < kPanel; ++n) floats[n] = static_cast<float>(sums.lane[n]);
    return load_lanes(floats);
}

#endif

}  // namespace
}  // namespace CODEGEM_SET
}  // namespace codegem
