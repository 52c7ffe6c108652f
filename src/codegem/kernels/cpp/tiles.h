// AMX, Intel's instructions on tiles of 16 rows of 64 bytes (Architecture Instruction Set Extensions, chapter 3).
#pragma once

#include "activations.h"

namespace codegem {
namespace CODEGEM_SET {
namespace {

// Written out, because GCC's own macros do not tell it that memory is read: a store before them could be moved behind.
#define CODEGEM_TILE_ZERO(tile) asm volatile("tilezero %%tmm" #tile ::: "memory")
#define CODEGEM_TILE_LOAD(tile, from, stride) \
    asm volatile("tileloadd (%0,%1,1), %%tmm" #tile ::"r"(from), "r"(static_cast<long>(stride)) : "memory")
#define CODEGEM_TILE_STORE(tile, to) asm volatile("tilestored %%tmm" #tile ", (%0,%1,1)" ::"r"(to), "r"(64L) : "memory")
#define CODEGEM_TILE_DOT(sums, x, codes) asm volatile("tdpbssd %%tmm" #codes ", %%tmm" #x ", %%tmm" #sums ::: "memory")
#define CODEGEM_TILE_DOT_BF16(sums, x, weights) \
    asm volatile("tdpbf16ps %%tmm" #weights ", %%tmm" #x ", %%tmm" #sums ::: "memory")

// Tiles 0 to 3 hold sums, 4 and 5 activations, 6 and 7 weights.
class Tiles {
  public:
    // `rows` rows of activations, `bytes` (32 or 64) of each.
    Tiles(int rows, int bytes) {
        alignas(64) std::uint8_t shape[64] = {1};
        const auto set = [&](int tile, int high, int wide) {
            shape[16 + 2 * tile] = static_cast<std::uint8_t>(wide);
            shape[48 + tile] = static_cast<std::uint8_t>(high);
        };
        for (int i = 0; i < 4; ++i) set(i, rows, 4 * kPanel);
        for (int i = 0; i < 2; ++i) {
            set(4 + i, rows, bytes);
            set(6 + i, bytes / 4, 4 * kPanel);
        }
        asm volatile("ldtilecfg %0" ::"m"(shape) : "memory");
    }
    ~Tiles() { asm volatile("tilerelease"); }
    Tiles(const Tiles&) = delete;
    Tiles& operator=(const Tiles&) = delete;
};

}  // namespace
}  // namespace CODEGEM_SET
}  // namespace codegem
