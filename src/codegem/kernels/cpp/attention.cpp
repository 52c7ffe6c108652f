// Causal attention over the filled part of a cache: the new keys and values are written, then softmax is taken block
// by block with a running maximum (arXiv 2112.05682, arXiv 2205.14135).
#include "attention.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "attention_floats.h"
#include "attention_rows.h"
#if defined(__AMX_BF16__)
#include "attention_tiles.h"
#endif
#include "threads.h"

namespace codegem {
namespace CODEGEM_SET {
namespace {

std::int64_t blocks_of(std::int64_t count, std::int64_t size) { return (count + size - 1) / size; }

// Columns of a head that are few beside the keys.
constexpr int kFew = 16;
// Columns whose partial results one task brings together.
constexpr int kTogether = 16;
// Bytes of partial results held at a time where one query's blocks are shared between threads.
constexpr std::int64_t kPartialBytes = 8 << 20;

template <typename Slot, typename Blocks>
class Attending {
  public:
    explicit Attending(const Attention& call) : call_(call) {}

    void run() {
        const std::int64_t group = call_.heads / call_.kv_heads, columns = call_.rows * group;
        const std::int64_t padded = blocks_of(columns, Blocks::kColumnMultiple) * Blocks::kColumnMultiple;
        const std::int64_t query_bytes = Blocks::query_bytes(head());
        const std::int64_t strip_bytes = blocks_of(padded * query_bytes, 64) * 64;
        const std::int64_t strips = call_.batch * call_.kv_heads;
        Scratch scratch(static_cast<std::size_t>(strips * strip_bytes));
        char* packed = scratch.take<char>(static_cast<std::size_t>(strips * strip_bytes));
        for (std::int64_t b = 0; b < call_.batch; ++b) {
            for (std::int64_t h = 0; h < call_.kv_heads; ++h) {
                const std::int64_t offset = b * call_.capacity * stride() + h * call_.head;
                strips_.push_back({static_cast<const Slot*>(call_.keys) + offset,
                                   static_cast<const Slot*>(call_.values) + offset, stride(),
                                   static_cast<int>(call_.head), static_cast<int>(group), call_.lengths[b], columns,
                                   packed + static_cast<std::int64_t>(strips_.size()) * strip_bytes, query_bytes});
            }
        }
        if (padded > columns) clear_last_columns(packed, strip_bytes);
        write_rows(packed, strip_bytes);
        attend();
    }

  private:
    // A run of columns of one strip.
    struct Unit {
        const Strip* strip;
        std::int64_t column;
        int columns;
        std::int64_t keys;  // that the last of them sees
        float* out;         // of partial results, [blocks, columns, H]
        float* tops;        // [blocks, columns]
        float* totals;
    };

    int head() const { return static_cast<int>(call_.head); }
    // H as the sums have it.
    int width() const { return Blocks::width(head()); }
    std::int64_t stride() const { return call_.kv_heads * call_.head; }

    // Columns that only fill a tile up: what they hold goes nowhere, but denormal numbers would be slow.
    void clear_last_columns(char* packed, std::int64_t strip_bytes) {
        for (const Strip& strip : strips_) {
            const std::int64_t whole = strip.columns / Blocks::kColumnMultiple * Blocks::kColumnMultiple * strip.query_bytes;
            std::memset(packed + (&strip - strips_.data()) * strip_bytes + whole, 0,
                        static_cast<std::size_t>(Blocks::kColumnMultiple * strip.query_bytes));
        }
    }

    // Rotates the new keys and queries and puts keys and values into the cache.
    void write_rows(char* packed, std::int64_t strip_bytes) {
        const std::int64_t rows = call_.batch * call_.rows;
        // One or two rows take less time than waking a thread.
        const std::int64_t tasks = rows < 4 ? 1 : std::min<std::int64_t>(rows, 4 * thread_count());
        parallel(static_cast<int>(tasks), [&](int task) {
            const int half = head() / 2, padded = (half + kLanes - 1) / kLanes * kLanes;
            const auto size = static_cast<std::size_t>(2 * padded);
            Scratch scratch(4 * Scratch::size_of<float>(size));
            float* frequencies = scratch.take<float>(size);
            float* sines = scratch.take<float>(size);
            float* cosines = scratch.take<float>(size);
            float* rotated = scratch.take<float>(size);
            std::fill(std::copy_n(call_.frequencies, half, frequencies), frequencies + padded, 0.0f);
            for (std::int64_t row = rows * task / tasks; row < rows * (task + 1) / tasks; ++row) {
                const std::int64_t b = row / call_.rows, t = row % call_.rows, at = call_.lengths[b] + t;
                sines_and_cosines(at, frequencies, padded, sines, cosines);
                const std::int64_t slot = (b * call_.capacity + at) * stride();
                for (std::int64_t h = 0; h < call_.kv_heads; ++h) {
                    const std::int64_t in_row = h * head(), from = row * stride() + in_row;
                    rotate(call_.k + from, sines, cosines, half, 1.0f, rotated);
                    write_slot(rotated, head(), static_cast<Slot*>(call_.keys) + slot + in_row);
                    write_slot(call_.v + from, head(), static_cast<Slot*>(call_.values) + slot + in_row);
                    const std::int64_t strip = b * call_.kv_heads + h;
                    pack_queries(row, t, h, strips_[static_cast<std::size_t>(strip)], sines, cosines, rotated,
                                 packed + strip * strip_bytes);
                }
            }
        });
    }

    void pack_queries(std::int64_t row, std::int64_t t, std::int64_t h, const Strip& strip, const float* sines,
                      const float* cosines, float* rotated, char* packed) {
        // Logits in powers of two: the softmax is then made of 2^x, which is cheaper than e^x.
        const float scale = static_cast<float>(1.4426950408889634 / std::sqrt(static_cast<double>(head())));
        for (int i = 0; i < strip.group; ++i) {
            const float* query = call_.q + (row * call_.heads + h * strip.group + i) * head();
            rotate(query, sines, cosines, head() / 2, scale, rotated);
            Blocks::pack_query(rotated, strip, t * strip.group + i, packed);
        }
    }

    void attend() {
        std::vector<Unit> units;
        std::int64_t most = 0;
        for (const Strip& strip : strips_) {
            for (std::int64_t column = 0; column < strip.columns; column += kColumns) {
                const int count = static_cast<int>(std::min<std::int64_t>(kColumns, strip.columns - column));
                const std::int64_t keys = strip.visible(column + count - 1, 0);
                units.push_back({&strip, column, count, keys, nullptr, nullptr, nullptr});
                most = std::max(most, blocks_of(keys, kBlock));
            }
        }
        // With few columns the keys of all heads are read once, block by block: they lie side by side in memory.
        const bool few = units[0].columns <= kFew && call_.kv_heads > 1;
        if (most == 1 || (!few && static_cast<int>(units.size()) >= 2 * thread_count())) {
            // The longest first, so that no thread waits long at the end.
            std::stable_sort(units.begin(), units.end(), [](const Unit& a, const Unit& b) { return a.keys > b.keys; });
            parallel(static_cast<int>(units.size()), [&](int i) {
                const auto next = static_cast<std::size_t>(i + thread_count());
                const bool fetched = i >= thread_count();
                attend_alone(units[static_cast<std::size_t>(i)], next < units.size() ? &units[next] : nullptr, fetched);
            });
            return;
        }
        for (std::size_t first = 0; first < units.size();) {
            std::size_t last = first;
            std::int64_t bytes = 0;
            do {
                bytes += partial_bytes(units[last++]);
            } while (last < units.size() && bytes + partial_bytes(units[last]) <= kPartialBytes);
            attend_together(units.data() + first, units.data() + last, static_cast<std::size_t>(bytes));
            first = last;
        }
    }

    static std::int64_t padded_columns(const Unit& unit) {
        return blocks_of(unit.columns, Blocks::kColumnMultiple) * Blocks::kColumnMultiple;
    }

    std::int64_t partial_bytes(const Unit& unit) const {
        const auto rows = static_cast<std::size_t>(blocks_of(unit.keys, kBlock) * padded_columns(unit));
        return static_cast<std::int64_t>(Scratch::size_of<float>(rows * static_cast<std::size_t>(width())) +
                                         2 * Scratch::size_of<float>(rows));
    }

    Running take_running(Scratch& scratch, std::int64_t columns) const {
        const auto count = static_cast<std::size_t>(columns);
        return {scratch.take<float>(count * static_cast<std::size_t>(width())), scratch.take<float>(count),
                scratch.take<float>(count), width(), true};
    }

    std::size_t running_bytes(std::int64_t columns) const {
        const auto count = static_cast<std::size_t>(columns);
        return Scratch::size_of<float>(count * static_cast<std::size_t>(width())) + 2 * Scratch::size_of<float>(count);
    }

    // All blocks of a unit, one after the other; `next` is what this thread probably does then.
    void attend_alone(const Unit& unit, const Unit* next, bool fetched) {
        const std::int64_t columns = padded_columns(unit);
        Scratch scratch(running_bytes(columns) + Blocks::Work::bytes(head()));
        Running state = take_running(scratch, columns);
        typename Blocks::Work work(scratch, head());
        for (Place block = place(&unit, 0, fetched); block.start < unit.keys;) {
            const Place following = block.start + kBlock < unit.keys ? place(&unit, block.start / kBlock + 1, true)
                                                                     : place(next, 0, true);
            state.empty = block.start == 0;
            Blocks::attend(work, block, following, unit.column, unit.columns, state);
            block = place(&unit, block.start / kBlock + 1, true);
        }
        write(unit, 0, unit.columns, state);
    }

    static Place place(const Unit* unit, std::int64_t block, bool fetched) {
        return unit ? Place{unit->strip, block * kBlock, unit->keys, fetched} : Place{};
    }

    // Each block of each unit by itself, and then the blocks brought together in their order.
    void attend_together(Unit* first, Unit* last, std::size_t bytes) {
        Scratch scratch(bytes);
        struct Part {
            Unit* unit;
            std::int64_t index;  // of the block, or of the first column
        };
        std::vector<Part> blocks, runs;
        for (Unit* unit = first; unit < last; ++unit) {
            const auto count = static_cast<std::size_t>(blocks_of(unit->keys, kBlock));
            const auto rows = count * static_cast<std::size_t>(padded_columns(*unit));
            unit->out = scratch.take<float>(rows * static_cast<std::size_t>(width()));
            unit->tops = scratch.take<float>(rows);
            unit->totals = scratch.take<float>(rows);
            for (std::size_t i = 0; i < count; ++i) blocks.push_back({unit, static_cast<std::int64_t>(i)});
            for (int column = 0; column < unit->columns; column += kTogether) runs.push_back({unit, column});
        }
        std::stable_sort(blocks.begin(), blocks.end(), [](const Part& a, const Part& b) { return a.index < b.index; });
        parallel(static_cast<int>(blocks.size()), [&](int i) {
            const Part& part = blocks[static_cast<std::size_t>(i)];
            const auto next = static_cast<std::size_t>(i + thread_count());
            const Part following = next < blocks.size() ? blocks[next] : Part{nullptr, 0};
            Scratch own(Blocks::Work::bytes(head()));
            typename Blocks::Work work(own, head());
            const Running state = partial(*part.unit, part.index);
            const Place block = place(part.unit, part.index, i >= thread_count());
            Blocks::attend(work, block, place(following.unit, following.index, true), part.unit->column,
                           part.unit->columns, state);
        });
        parallel(static_cast<int>(runs.size()), [&](int i) {
            const Part& part = runs[static_cast<std::size_t>(i)];
            bring_together(*part.unit, static_cast<int>(part.index));
        });
    }

    Running partial(const Unit& unit, std::int64_t block) const {
        const std::int64_t row = block * padded_columns(unit);
        return Running{unit.out, unit.tops, unit.totals, width(), true}.behind(row);
    }

    void bring_together(const Unit& unit, int column) {
        const int count = std::min(kTogether, unit.columns - column), width = this->width();
        const std::int64_t blocks = blocks_of(unit.keys, kBlock);
        Scratch scratch(Scratch::size_of<Factors>(static_cast<std::size_t>(blocks)));
        Factors* factors = scratch.take<Factors>(static_cast<std::size_t>(blocks));
        const Running first = partial(unit, 0).behind(column);
        const std::int64_t step = padded_columns(unit);
        for (int c = 0; c < count; ++c) {
            for (std::int64_t i = 1; i < blocks; ++i) {
                factors[i] = merge(first.top[c + i * step], first.total[c + i * step], first.top[c], first.total[c]);
            }
            for (int at = 0; at < width; at += kLanes) {
                float* to = first.out + c * width + at;
                Floats sum = load(to);
                for (std::int64_t i = 1; i < blocks; ++i) sum = merge(sum, load(to + i * step * width), factors[i]);
                store(to, sum);
            }
        }
        write(unit, column, count, first);
    }

    void write(const Unit& unit, int column, int count, const Running& state) {
        const std::int64_t strip = unit.strip - strips_.data(), group = unit.strip->group;
        const std::int64_t b = strip / call_.kv_heads, h = strip % call_.kv_heads;
        for (int c = 0; c < count; ++c) {
            const std::int64_t t = (unit.column + column + c) / group, i = (unit.column + column + c) % group;
            const std::int64_t row = (b * call_.rows + t) * call_.heads + h * group + i;
            Blocks::finish(state, c, head(), call_.mixed + row * head());
        }
    }

    const Attention& call_;
    std::vector<Strip> strips_;
};

template <typename Slot>
void attend_floats(const Attention& call) {
    if (FloatBlocks<Slot>::fits(call.head)) {
        Attending<Slot, FloatBlocks<Slot>>(call).run();
    } else {
        Attending<Slot, CopiedBlocks<Slot>>(call).run();
    }
}

}  // namespace

void attend(const Attention& call);
void attend(const Attention& call) {
#if defined(__AMX_BF16__)
    if (call.bfloat16 && TileBlocks::fits(call.head)) return Attending<std::uint16_t, TileBlocks>(call).run();
#endif
    if (call.bfloat16) {
        attend_floats<std::uint16_t>(call);
    } else {
        attend_floats<float>(call);
    }
}

}  // namespace CODEGEM_SET
}  // namespace codegem
