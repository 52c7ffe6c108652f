// What the two ways of attending to a block of keys share.
#pragma once

#include <cfloat>
#include <cstdint>

#include "attention_vector.h"

namespace codegem {
namespace CODEGEM_SET {
namespace {

// Keys are taken in blocks of this many from position 0 on. The blocks fix the order of every sum, so that a result
// does not depend on how many positions are computed together, nor on the number of threads.
constexpr int kBlock = 256;
// Queries that share a pass over the keys.
constexpr int kColumns = 128;

// One key/value head of one sequence, and the query rows ("columns", by position and then by head) that read it.
struct Strip {
    const void* keys;          // of position 0
    const void* values;
    std::int64_t stride;       // elements from one position to the next
    int head;                  // H
    int group;                 // query heads
    std::int64_t filled;       // positions before the first new one
    std::int64_t columns;      // T · group
    const char* queries;       // packed as the kernel likes them
    std::int64_t query_bytes;  // of one column

    // How many keys of the block at `start` the query of `column` sees; may be negative, or more than the block has.
    std::int64_t visible(std::int64_t column, std::int64_t start) const { return filled + column / group + 1 - start; }
};

// A block of keys.
struct Place {
    const Strip* strip;   // null: there is none
    std::int64_t start;   // its first position
    std::int64_t limit;   // positions of the strip that may be read
    bool fetched;         // was asked for while the block before it was worked on

    int keys() const { return static_cast<int>(limit - start < kBlock ? limit - start : kBlock); }
};

// Softmax so far: out / total is the result, and 2^top the factor taken out of all weights.
struct Running {
    float* out;    // [columns, out_stride]
    float* top;    // [columns]
    float* total;  // [columns]
    std::int64_t out_stride;
    bool empty;    // nothing is there yet; what the arrays hold has no meaning

    Running behind(std::int64_t column) const {
        return {out + column * out_stride, top + column, total + column, out_stride, empty};
    }
};

// Factors of what there was and of what is new.
struct Factors {
    float old, added;
};

// Brings a block's largest logit and sum of weights in. A block that a query can't see has the top -FLT_MAX and
// changes nothing, to the bit: the factors are then exactly 1 and 0.
inline Factors merge(float top, float total, float& into_top, float& into_total) {
    const float both = top > into_top ? top : into_top;
    const Floats factors = exp2(Floats{into_top - both, top - both});
    into_top = both;
    into_total = fma(splat(into_total), splat(factors[0]), splat(total * factors[1]))[0];
    return {factors[0], factors[1]};
}

inline Floats merge(Floats out, Floats added, const Factors& factors) {
    return fma(out, splat(factors.old), added * factors.added);
}

// A block's sums of values, for one column.
inline void merge(const Running& state, float* out, Floats added, const Factors& factors) {
    store(out, state.empty ? added : merge(load(out), added, factors));
}

}  // namespace
}  // namespace CODEGEM_SET
}  // namespace codegem
