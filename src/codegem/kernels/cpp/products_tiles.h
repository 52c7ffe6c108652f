// A panel times many rows of activations by AMX, Intel's instructions on tiles of 16 rows of 64 bytes.
//
// Codes of 4 bits are unpacked to bytes once for all rows, a piece of columns at a time that stays in the first-level
// cache. The sums of a block leave the tile at its end and are scaled and added in registers, by the same steps as in
// products_rows.h, so both give the same bits.
#pragma once

#if defined(__AMX_INT8__)

#include "products_rows.h"
#include "tiles.h"

namespace codegem {
namespace CODEGEM_SET {
namespace {

// Columns whose unpacked codes are kept, a multiple of every block: two panels' and one tile's activations together fill
// half of the first-level cache. Longer and shorter pieces were slower.
constexpr int kPiece = 512;
constexpr int kAhead = 3072;

// Codes of a piece as signed bytes, and its scales as floats.
struct Piece {
    const std::uint8_t* codes;  // [columns / 4, 16, 4]
    const float* scales;        // [blocks, 16]
};

// Room for the piece of one panel.
struct PieceRoom {
    std::uint8_t* codes;
    float* scales;

    explicit PieceRoom(Scratch& scratch)
        : codes(scratch.take<std::uint8_t>(kPiece * kPanel)), scales(scratch.take<float>(kPiece / 32 * kPanel)) {}
    static std::size_t bytes() {
        return Scratch::size_of<std::uint8_t>(kPiece * kPanel) + Scratch::size_of<float>(kPiece / 32 * kPanel);
    }
};

// A nibble u in the upper half of a byte, with its highest bit turned, is 16 · (u - 8) as a signed byte; the 16 is
// taken out of the scale, exactly.
inline void unpack(const std::uint8_t* codes, int columns, std::uint8_t* to) {
    const __m512i upper = _mm512_set1_epi8(-16), sign = _mm512_set1_epi8(-128);
    constexpr int and_xor = 0x6a;
    for (int k = 0; k < columns; k += 8) {
        const std::uint8_t* from = codes + k / 8 * 64;
        __builtin_prefetch(from + kAhead, 0, 2);
        const __m512i bytes = _mm512_loadu_si512(from);
        const __m512i low = _mm512_ternarylogic_epi32(_mm512_slli_epi16(bytes, 4), upper, sign, and_xor);
        const __m512i high = _mm512_ternarylogic_epi32(bytes, upper, sign, and_xor);
        _mm512_store_si512(to + k / 8 * 128, low);
        _mm512_store_si512(to + k / 8 * 128 + 64, high);
    }
}

// `columns` columns of a panel from `first` on.
inline Piece read_piece(const Panel& panel, int bits, int block, std::int64_t first, int columns,
                        const PieceRoom& room) {
    const float factor = bits == 4 ? 0.0625f : 1.0f;
    const std::uint16_t* scales = panel.scales + first / block * kPanel;
    for (int b = 0; b < columns / block; ++b) {
        store_lanes(room.scales + b * kPanel, times(widened_lanes(scales + b * kPanel), factor));
    }
    const std::uint8_t* codes = panel.codes + first * kPanel * bits / 8;
    if (bits == 8) {
        for (int i = 0; i < columns * kPanel; i += 64) __builtin_prefetch(codes + kAhead + i, 0, 2);
        return {codes, room.scales};
    }
    unpack(codes, columns, room.codes);
    return {room.codes, room.scales};
}

// Blocks whose sums leave the tiles before those of the next ones are scaled. A tile's store is not forwarded to loads:
// they wait until it has reached the cache, so they come this many blocks later.
constexpr int kBatch = 4;

// A batch of blocks of one panel and one tile of activations.
struct Batch {
    const std::int8_t* x;
    const std::uint8_t* codes;
    const float* scales;         // of the activations, [blocks, 16]
    const float* weight_scales;  // [blocks, 16]
    float* totals;               // [kTileRows, 16]
    int blocks;
};

#define CODEGEM_MULTIPLY(sums_tile, x_tile, codes_tile)                               \
    do {                                                                              \
        if (sums_tile >= batch.blocks) break;                                         \
        CODEGEM_TILE_ZERO(sums_tile);                                                 \
        for (int column = 0; column < kBlock; column += kTileColumns) {               \
            const int at = sums_tile * kBlock + column;                               \
            const int x_at = at / kTileColumns * kTileRows * kTileColumns + at % kTileColumns; \
            CODEGEM_TILE_LOAD(x_tile, batch.x + x_at, kTileColumns);                  \
            CODEGEM_TILE_LOAD(codes_tile, batch.codes + at * kPanel, 4 * kPanel);     \
            CODEGEM_TILE_DOT(sums_tile, x_tile, codes_tile);                          \
        }                                                                             \
    } while (false)

#define CODEGEM_STORE(sums_tile) \
    if (sums_tile < batch.blocks) CODEGEM_TILE_STORE(sums_tile, sums + sums_tile * kTileRows * kPanel)

// Scales the sums of kBlocks blocks for a quarter of the rows, and adds them in the order of the blocks.
template <int kBlocks>
inline void add_quarter(int quarter, const std::int32_t* sums, const Batch& batch) {
    if (kBlocks == 0) return;
    Lanes weights[kBlocks + 1];
    for (int b = 0; b < kBlocks; ++b) weights[b] = load_lanes(batch.weight_scales + b * kPanel);
#pragma GCC unroll 4
    for (int r = quarter * kTileRows / 4; r < (quarter + 1) * kTileRows / 4; ++r) {
        Lanes total = load_lanes(batch.totals + r * kPanel);
#pragma GCC unroll 4
        for (int b = 0; b < kBlocks; ++b) {
            total = add_product(load_ints(sums + (b * kTileRows + r) * kPanel), times(weights[b], batch.scales[b * kTileRows + r]), total);
        }
        store_lanes(batch.totals + r * kPanel, total);
    }
}

// Multiplies the blocks of `batch` while those of `before`, kBefore blocks whose sums are in `old`, are scaled.
template <int kBlock, int kBefore>
inline void multiply_batch(const Batch& batch, std::int32_t* sums, const Batch& before, const std::int32_t* old) {
    CODEGEM_MULTIPLY(0, 4, 6);
    add_quarter<kBefore>(0, old, before);
    CODEGEM_MULTIPLY(1, 5, 7);
    add_quarter<kBefore>(1, old, before);
    CODEGEM_STORE(0);
    CODEGEM_MULTIPLY(2, 4, 6);
    add_quarter<kBefore>(2, old, before);
    CODEGEM_STORE(1);
    CODEGEM_MULTIPLY(3, 5, 7);
    add_quarter<kBefore>(3, old, before);
    CODEGEM_STORE(2);
    CODEGEM_STORE(3);
}

// A piece of one or two panels, and the activations that it meets.
struct PieceCall {
    Piece pieces[2];
    int panels;
    int blocks;
    const std::int8_t* x;     // of the first tile
    const float* scales;
    std::int64_t x_stride, scales_stride;  // from one tile to the next
    std::int64_t tiles;
    float* totals;            // [panel][tile][kTileRows, 16]
};

// totals += activations · piece. Two panels in turn share the activations that the first one brings into the
// first-level cache.
template <int kBlock>
void multiply_piece(const PieceCall& call) {
    alignas(64) std::int32_t sums[2][kBatch * kTileRows * kPanel];
    Batch before{};
    int turn = 0;
    const auto run = [&](const Batch& batch) {
        switch (before.blocks) {
            case 4: multiply_batch<kBlock, 4>(batch, sums[turn], before, sums[1 - turn]); break;
            case 3: multiply_batch<kBlock, 3>(batch, sums[turn], before, sums[1 - turn]); break;
            case 2: multiply_batch<kBlock, 2>(batch, sums[turn], before, sums[1 - turn]); break;
            case 1: multiply_batch<kBlock, 1>(batch, sums[turn], before, sums[1 - turn]); break;
            default: multiply_batch<kBlock, 0>(batch, sums[turn], before, sums[1 - turn]);
        }
        before = batch;
        turn = 1 - turn;
    };
    for (std::int64_t tile = 0; tile < call.tiles; ++tile) {
        const std::int8_t* x = call.x + tile * call.x_stride;
        const float* scales = call.scales + tile * call.scales_stride;
        for (int i = 0; i < call.panels; ++i) {
            float* to = call.totals + (i * call.tiles + tile) * kTileRows * kPanel;
            for (int block = 0; block < call.blocks; block += kBatch) {
                const int left = call.blocks - block, column = block * kBlock;
                Batch batch{};
                batch.x = x + column / kTileColumns * kTileRows * kTileColumns + column % kTileColumns;
                batch.codes = call.pieces[i].codes + column * kPanel;
                batch.scales = scales + block * kTileRows;
                batch.weight_scales = call.pieces[i].scales + block * kPanel;
                batch.totals = to;
                batch.blocks = left < kBatch ? left : kBatch;
                run(batch);
            }
        }
    }
    run(Batch{});
}

typedef void (*MultiplyPiece)(const PieceCall&);

inline MultiplyPiece multiply_piece_of(int block) {
    return block == 32 ? multiply_piece<32> : block == 64 ? multiply_piece<64> : multiply_piece<128>;
}

// A panel of one of the weights.
struct Slot {
    const Weight* weight;
    std::int64_t panel;
};

// totals [slot][tile][height][16] of `count` panels.
inline void multiply_slots(const Slot* slots, int count, const Product& call, const Activations& activations,
                           const PieceRoom* rooms, float* totals) {
    const std::int64_t size = activations.rows() * kPanel;
    const Tiles configured(kTileRows, call.block < kTileColumns ? call.block : kTileColumns);
    const MultiplyPiece multiply = multiply_piece_of(call.block);
    std::memset(totals, 0, sizeof(float) * static_cast<std::size_t>(size * count));
    for (std::int64_t first = 0; first < call.columns; first += kPiece) {
        const int columns = static_cast<int>(call.columns - first < kPiece ? call.columns - first : kPiece);
        for (int slot = 0; slot < count; slot += 2) {
            PieceCall piece{};
            piece.panels = count - slot < 2 ? 1 : 2;
            for (int i = 0; i < piece.panels; ++i) {
                const Weight& weight = *slots[slot + i].weight;
                const Panel panel = panel_of(weight, call, slots[slot + i].panel);
                piece.pieces[i] = read_piece(panel, weight.bits, call.block, first, columns, rooms[i]);
            }
            piece.blocks = columns / call.block;
            piece.x = activations.codes + activations.offset(first);
            piece.scales = activations.scales + activations.index(0, first / call.block);
            piece.x_stride = activations.wide * activations.tile_bytes();
            piece.scales_stride = activations.blocks * activations.height;
            piece.tiles = activations.high;
            piece.totals = totals + slot * size;
            multiply(piece);
        }
    }
}

}  // namespace
}  // namespace CODEGEM_SET
}  // namespace codegem

#endif
