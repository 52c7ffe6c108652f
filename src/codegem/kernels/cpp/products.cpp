// Products of activations with quantized weights: which panels go to which thread, and what becomes of their sums.
// Compiled for every set of instructions.
#include "products.h"

#include "products_rows.h"
#include "products_tiles.h"
#include "threads.h"

namespace codegem {
namespace CODEGEM_SET {
namespace {

constexpr std::int64_t kMostRowsAtOnce = 512;  // Their activations stay in the second-level cache

std::int64_t panels_of(const Weight& weight) { return (weight.rows + kPanel - 1) / kPanel; }

// Sixteen results of a row, or as many as `bytes` hold at the end of it.
inline void finish_row(Finish finish, const float* sums, const float* up, const float* residual, float* out,
                       std::size_t bytes) {
    Lanes lanes = load_lanes(sums);
    if (finish == Finish::kGeglu) {
        const Lanes factors = load_lanes(up);
        for (int i = 0; i < kParts; ++i) lanes.part[i] = gelu(lanes.part[i]) * factors.part[i];
    } else if (finish == Finish::kAdd) {
        Lanes added = zero_lanes();
        std::memcpy(&added, residual, bytes);
        for (int i = 0; i < kParts; ++i) lanes.part[i] += added.part[i];
    }
    std::memcpy(out, &lanes, bytes);
}

// `rows` sums of a panel, [rows, 16], to the result; `up` are those of the second weight for GeGLU.
void finish(const Product& call, const Weight& weight, std::int64_t panel, std::int64_t row, int rows,
            const float* sums, const float* up) {
    const std::int64_t first = panel * kPanel, left = weight.rows - first;
    for (int r = 0; r < rows; ++r) {
        const std::int64_t at = (call.first_row + row + r) * weight.rows + first;
        const float* residual = call.finish == Finish::kAdd ? call.residual + at : nullptr;
        const float *from = sums + r * kPanel, *factors = up + r * kPanel;
        if (left >= kPanel) {
            finish_row(call.finish, from, factors, residual, weight.out + at, sizeof(Lanes));
        } else {
            finish_row(call.finish, from, factors, residual, weight.out + at, sizeof(float) * static_cast<std::size_t>(left));
        }
    }
}

// Panels first … first + count - 1 of a weight (and of the second one for GeGLU), kMostRows rows at a time.
void run_rows(const Product& call, const Activations& activations, const Weight& weight, std::int64_t first,
              std::int64_t count) {
    alignas(64) float sums[2][kMostRows * kPanel];
    for (std::int64_t row = 0; row < call.rows;) {
        std::int64_t rows = activations.height - row % activations.height;
        rows = rows < kMostRows ? rows : kMostRows;
        rows = rows < call.rows - row ? rows : call.rows - row;
        for (std::int64_t panel = first; panel < first + count; ++panel) {
            multiply_rows_of(weight.bits, static_cast<int>(rows))(panel_of(weight, call, panel), call, activations,
                                                                  row, sums[0]);
            if (call.finish == Finish::kGeglu) {
                const Weight& up = call.weights[1];
                multiply_rows_of(up.bits, static_cast<int>(rows))(panel_of(up, call, panel), call, activations, row,
                                                                  sums[1]);
            }
            finish(call, weight, panel, row, static_cast<int>(rows), sums[0], sums[1]);
        }
        row += rows;
    }
}

#if defined(__AMX_INT8__)
constexpr std::int64_t kFewRows = 8;  // Up to here vectors, which overlap with reading memory, are faster than tiles

// The same, by tiles; `most` panels are taken together.
void run_tiles(const Product& call, const Activations& activations, const Weight& weight, std::int64_t first,
               std::int64_t count) {
    const bool geglu = call.finish == Finish::kGeglu;
    // With few rows a panel is read to its end before the next one: memory likes to be read in order.
    const int together = activations.high == 1 ? 2 : kSlots, step = geglu ? together / 2 : together;
    const std::int64_t size = activations.rows() * kPanel;
    const auto all = static_cast<std::size_t>(size * together);
    Scratch scratch(2 * PieceRoom::bytes() + Scratch::size_of<float>(all));
    const PieceRoom rooms[2] = {PieceRoom(scratch), PieceRoom(scratch)};
    float* totals = scratch.take<float>(all);
    for (std::int64_t panel = first; panel < first + count; panel += step) {
        Slot slots[kSlots];
        const int panels = static_cast<int>(first + count - panel < step ? first + count - panel : step);
        int used = 0;
        for (int i = 0; i < panels; ++i) {
            slots[used++] = {&weight, panel + i};
            if (geglu) slots[used++] = {call.weights + 1, panel + i};
        }
        multiply_slots(slots, used, call, activations, rooms, totals);
        for (std::int64_t row = 0; row < call.rows; row += activations.height) {
            const std::int64_t left = call.rows - row;
            const int rows = static_cast<int>(left < activations.height ? left : activations.height);
            for (int i = 0; i < panels; ++i) {
                const float* sums = totals + (geglu ? 2 * i : i) * size + row * kPanel;
                finish(call, weight, panel + i, row, rows, sums, sums + size);
            }
        }
    }
}
#endif

void run(const Product& call, const Activations& activations, const Weight& weight, std::int64_t first,
         std::int64_t count) {
#if defined(__AMX_INT8__)
    if (call.rows > kFewRows) return run_tiles(call, activations, weight, first, count);
#endif
    run_rows(call, activations, weight, first, count);
}

// Up to kMostRowsAtOnce rows.
void multiply(const Product& call) {
    Scratch scratch(Activations::bytes(call.rows, call.columns, call.block));
    const Activations activations(scratch, call.rows, call.columns, call.block);
    parallel(static_cast<int>(activations.rows()), [&](int row) {
        if (row < call.rows) {
            quantize_row(call, row, activations);
        } else {
            clear_row(row, activations);
        }
    });
    const int weights = call.finish == Finish::kGeglu ? 1 : call.count;
    std::int64_t panels = 0;
    for (int i = 0; i < weights; ++i) panels += panels_of(call.weights[i]);
    // Tasks of some panels each: few enough that a thread reads long stretches, enough that all end together.
    const std::int64_t most = activations.high > 1 ? 16 : 8, share = panels / (8 * thread_count());
    const std::int64_t group = share < 1 ? 1 : share < most ? share : most;
    int tasks = 0;
    for (int i = 0; i < weights; ++i) tasks += static_cast<int>((panels_of(call.weights[i]) + group - 1) / group);
    parallel(tasks, [&](int task) {
        const Weight* weight = call.weights;
        std::int64_t first = task * group;
        for (; first >= panels_of(*weight); ++weight) {
            first -= (panels_of(*weight) + group - 1) / group * group;
        }
        const std::int64_t left = panels_of(*weight) - first;
        run(call, activations, *weight, first, left < group ? left : group);
    });
}

}  // namespace

void product(const Product& call);

void product(const Product& call) {
    for (std::int64_t row = 0; row < call.rows; row += kMostRowsAtOnce) {
        const std::int64_t left = call.rows - row;
        Product part = call;
        part.rows = left < kMostRowsAtOnce ? left : kMostRowsAtOnce;
        part.first_row = row;
        part.x += row * call.width;
        multiply(part);
    }
}

}  // namespace CODEGEM_SET
}  // namespace codegem
