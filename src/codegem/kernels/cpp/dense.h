// Products with bfloat16 weights.
#pragma once

#include "activations.h"

namespace codegem {
namespace CODEGEM_SET {
namespace {

inline const std::uint16_t* dense_panel(const Weight& weight, std::int64_t panel, std::int64_t columns) {
    return reinterpret_cast<const std::uint16_t*>(weight.codes) + panel * columns * kPanel;
}

}  // namespace
}  // namespace CODEGEM_SET
}  // namespace codegem

#if defined(__AMX_BF16__)
#include "dense_tiles.h"
#else
#include "dense_rows.h"
#endif
