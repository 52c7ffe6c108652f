// What becomes of the sums of a panel.
#pragma once

#include "lanes.h"

namespace codegem {
namespace CODEGEM_SET {
namespace {

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

// Sums of `rows` rows and some panels to the results: [panel][rows][16], with `stride` from one panel to the next, and
// with those of the second weight between them for GeGLU. Row by row, because a result's rows lie far from each other.
inline void finish(const Product& call, const Weight& weight, std::int64_t panel, int panels, std::int64_t row,
                   std::int64_t rows, const float* sums, std::int64_t stride) {
    const bool geglu = call.finish == Finish::kGeglu;
    for (std::int64_t r = 0; r < rows; ++r) {
        for (int i = 0; i < panels; ++i) {
            const std::int64_t first = (panel + i) * kPanel, left = weight.rows - first;
            const std::int64_t at = (call.first_row + row + r) * weight.rows + first;
            const float* residual = call.finish == Finish::kAdd ? call.residual + at : nullptr;
            const float* from = sums + (geglu ? 2 * i : i) * stride + r * kPanel;
            if (left >= kPanel) {
                finish_row(call.finish, from, from + stride, residual, weight.out + at, sizeof(Lanes));
            } else {
                finish_row(call.finish, from, from + stride, residual, weight.out + at,
                           sizeof(float) * static_cast<std::size_t>(left));
            }
        }
    }
}

}  // namespace
}  // namespace CODEGEM_SET
}  // namespace codegem
