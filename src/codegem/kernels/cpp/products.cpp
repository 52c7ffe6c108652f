// Products of activations with weights: which rows and panels go to which thread. Compiled for every set of
// instructions.
#include "products.h"

#include "dense.h"
#include "finish.h"
#include "products_rows.h"
#if defined(__AMX_INT8__)
#include "products_tiles.h"
#endif
#include "threads.h"

namespace codegem {
namespace CODEGEM_SET {
namespace {

constexpr std::int64_t kMostRowsAtOnce = 512;  // Their activations stay in the second-level cache
// Where weights are few, each thread takes so many rows through a product alone: it waits for nobody, and what it made
// is in its own cache. Lines that another core wrote take longer to read than weights that both read.
constexpr std::int64_t kMostRowsAlone = 128;
constexpr std::int64_t kFewWeights = 2 << 20;  // Bytes

// Where the sums of a dense product go: to the results,
struct ToResults {
    const Product& call;

    void operator()(const Weight& weight, std::int64_t panel, int panels, std::int64_t row, std::int64_t rows,
                    const float* sums, std::int64_t stride) const {
        const std::int64_t left = call.rows - row;
        finish(call, weight, panel, panels, row, rows < left ? rows : left, sums, stride);
    }
};

// or, behind GeGLU, to the activations of the next product.
struct ToInputs {
    const DenseInputs& next;

    void operator()(const Weight& weight, std::int64_t panel, int panels, std::int64_t row, std::int64_t rows,
                    const float* sums, std::int64_t stride) const {
        for (int i = 0; i < panels; ++i, sums += 2 * stride) {
            for (std::int64_t r = 0; r < rows; ++r) {
                const Lanes gate = load_lanes(sums + r * kPanel), up = load_lanes(sums + stride + r * kPanel);
                Lanes values;
                for (int part = 0; part < kParts; ++part) values.part[part] = gelu(gate.part[part]) * up.part[part];
                next.set(row + r, (panel + i) * kPanel, values);
            }
        }
        const std::int64_t end = weight.panels() * kPanel;
        if (panel + panels < weight.panels() || end == next.columns()) return;
        for (std::int64_t r = 0; r < rows; ++r) next.set(row + r, end, zero_lanes());
    }
};

// Quantized weights without tiles: panels first … first + count - 1 of a weight (and of the second one for GeGLU), as
// many rows at a time as registers hold.
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
            finish(call, weight, panel, 1, row, rows, sums[0], kMostRows * kPanel);
        }
        row += rows;
    }
}

#if defined(__AMX_INT8__)
constexpr std::int64_t kFewRows = 8;  // Up to here vectors, which overlap with reading memory, are faster than tiles

// The same, by tiles.
void run_tiles(const Product& call, const Activations& activations, const Weight& weight, std::int64_t first,
               std::int64_t count) {
    const bool geglu = call.finish == Finish::kGeglu;
    // With few rows a panel is read to its end before the next one: memory likes to be read in order.
    const int together = activations.high == 1 ? 2 : kSlots, step = geglu ? together / 2 : together;
    const auto all = static_cast<std::size_t>(activations.rows() * kPanel * together);
    Scratch scratch(2 * PieceRoom::bytes() + Scratch::size_of<float>(all));
    const PieceRoom rooms[2] = {PieceRoom(scratch), PieceRoom(scratch)};
    float* totals = scratch.take<float>(all);
    for (std::int64_t panel = first; panel < first + count; panel += step) {
        const int panels = static_cast<int>(first + count - panel < step ? first + count - panel : step);
        Slot slots[kSlots];
        int used = 0;
        for (int i = 0; i < panels; ++i) {
            slots[used++] = {&weight, panel + i};
            if (geglu) slots[used++] = {call.weights + 1, panel + i};
        }
        multiply_slots(slots, used, call, activations, rooms, totals);
        finish(call, weight, panel, panels, 0, call.rows, totals, activations.rows() * kPanel);
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

// parallel(), or the same in this thread alone.
template <typename Work>
void each_task(bool alone, int tasks, Work work) {
    if (!alone) return parallel(tasks, work);
    for (int task = 0; task < tasks; ++task) work(task);
}

void set_row(const Product& call, const DenseInputs& inputs, std::int64_t row) {
    if (row >= call.rows) {
        for (std::int64_t k = 0; k < call.columns; k += kPanel) inputs.set(row, k, zero_lanes());
        return;
    }
    const RowReader read(call, row);
    for (std::int64_t k = 0; k < call.columns; k += kPanel) {
        Lanes values;
        for (int i = 0; i < kParts; ++i) values.part[i] = read.lanes(k + i * kLanes);
        inputs.set(row, k, values);
    }
}

void set_row(const Product& call, const Activations& activations, std::int64_t row) {
    row < call.rows ? quantize_row(call, row, activations) : clear_row(row, activations);
}

// Some rows a task: each takes a fraction of a microsecond where they are short.
template <typename Inputs>
void set_rows(const Product& call, const Inputs& inputs, bool alone) {
    const std::int64_t some = call.width > 4096 ? 1 : 4096 / call.width;
    each_task(alone, static_cast<int>((inputs.rows() + some - 1) / some), [&](int task) {
        const std::int64_t end = (task + 1) * some < inputs.rows() ? (task + 1) * some : inputs.rows();
        for (std::int64_t row = task * some; row < end; ++row) set_row(call, inputs, row);
    });
}

// Calls work(weight, first panel, count) for all panels of all results.
template <typename Work>
void each_panels(const Product& call, bool alone, Work work) {
    std::int64_t panels = 0;
    for (int i = 0; i < call.results(); ++i) panels += call.weights[i].panels();
    // Tasks of some panels each: few enough that a thread reads long stretches, enough that all end together.
    const std::int64_t most = call.rows > kTileRows ? 16 : 8, share = panels / (8 * thread_count());
    const std::int64_t group = alone ? panels : share < 1 ? 1 : share < most ? share : most;
    int tasks = 0;
    for (int i = 0; i < call.results(); ++i) tasks += static_cast<int>((call.weights[i].panels() + group - 1) / group);
    each_task(alone, tasks, [&](int task) {
        const Weight* weight = call.weights;
        std::int64_t first = task * group;
        for (; first >= weight->panels(); ++weight) first -= (weight->panels() + group - 1) / group * group;
        const std::int64_t left = weight->panels() - first;
        work(*weight, first, left < group ? left : group);
    });
}

template <typename Sink>
void multiply_dense(const Product& call, const DenseInputs& inputs, const Sink& sink, bool alone) {
    each_panels(call, alone, [&](const Weight& weight, std::int64_t first, std::int64_t count) {
        DenseRun<Sink>(call, inputs, weight, sink).run(first, count);
    });
}

void multiply_quantized(const Product& call, bool alone) {
    Scratch scratch(Activations::bytes(call.rows, call.columns, call.block));
    const Activations activations(scratch, call.rows, call.columns, call.block);
    set_rows(call, activations, alone);
    each_panels(call, alone, [&](const Weight& weight, std::int64_t first, std::int64_t count) {
        run(call, activations, weight, first, count);
    });
}

void multiply(const Product& call, bool alone) {
    if (!call.dense()) return multiply_quantized(call, alone);
    Scratch scratch(DenseInputs::bytes(call.rows, call.columns));
    const DenseInputs inputs(scratch, call.rows, call.columns);
    set_rows(call, inputs, alone);
    multiply_dense(call, inputs, ToResults{call}, alone);
}

void multiply(const Mlp& call, bool alone) {
    const Product &wide = call.wide, &narrow = call.narrow;
    if (wide.dense()) {
        Scratch scratch(DenseInputs::bytes(wide.rows, wide.columns) + DenseInputs::bytes(wide.rows, narrow.columns));
        const DenseInputs inputs(scratch, wide.rows, wide.columns), hidden(scratch, wide.rows, narrow.columns);
        set_rows(wide, inputs, alone);
        multiply_dense(wide, inputs, ToInputs{hidden}, alone);
        multiply_dense(narrow, hidden, ToResults{narrow}, alone);
        return;
    }
    const auto count = static_cast<std::size_t>(wide.rows * narrow.width);
    Scratch scratch(Scratch::size_of<float>(count));
    float* hidden = scratch.take<float>(count);
    Weight weights[2] = {wide.weights[0], wide.weights[1]};
    weights[0].out = hidden;
    Product first = wide, second = narrow;
    first.weights = weights;
    first.first_row = 0;
    second.x = hidden;
    multiply_quantized(first, alone);
    multiply_quantized(second, alone);
}

// Rows first … first + rows - 1.
Product part(const Product& call, std::int64_t first, std::int64_t rows) {
    Product part = call;
    part.rows = rows;
    part.first_row += first;
    part.x += first * call.width;
    return part;
}

std::int64_t bytes_of(const Product& call) {
    std::int64_t rows = 0;
    for (int i = 0; i < call.count; ++i) rows += call.weights[i].panels() * kPanel * call.weights[i].bits / 8;
    return rows * call.columns;
}

// Calls work(first, rows, alone) for pieces of `rows` rows that are multiplied with `bytes` of weights.
template <typename Work>
void in_pieces(std::int64_t rows, std::int64_t bytes, Work work) {
    const bool alone = bytes <= kFewWeights && rows >= kTileRows * thread_count();
    const std::int64_t share = (rows / thread_count() + kTileRows - 1) / kTileRows * kTileRows;
    const std::int64_t size = !alone ? kMostRowsAtOnce : share < kMostRowsAlone ? share : kMostRowsAlone;
    each_task(!alone, static_cast<int>((rows + size - 1) / size), [&](int task) {
        const std::int64_t first = task * size, left = rows - first;
        work(first, left < size ? left : size, alone);
    });
}

}  // namespace

void product(const Product& call);

void product(const Product& call) {
    in_pieces(call.rows, bytes_of(call), [&](std::int64_t first, std::int64_t rows, bool alone) {
        multiply(part(call, first, rows), alone);
    });
}

void mlp(const Mlp& call);

void mlp(const Mlp& call) {
    in_pieces(call.wide.rows, bytes_of(call.wide) + bytes_of(call.narrow),
              [&](std::int64_t first, std::int64_t rows, bool alone) {
                  Mlp piece{part(call.wide, first, rows), call.narrow};
                  piece.narrow.rows = rows;
                  piece.narrow.first_row = first;
                  multiply(piece, alone);
              });
}

}  // namespace CODEGEM_SET
}  // namespace codegem
