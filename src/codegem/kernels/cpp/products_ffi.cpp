// The products as XLA calls them: buffers are checked here, so that no shape can lead a kernel out of its memory.
#include <string>
#include <vector>

#include "binding.h"
#include "dispatch.h"
#include "products.h"

namespace ffi = xla::ffi;

namespace codegem {
namespace {

using Dimensions = ffi::Span<const std::int64_t>;

ffi::Error wrong(const std::string& what) { return ffi::Error::InvalidArgument("codegem product: " + what); }

bool is(const ffi::AnyBuffer& buffer, ffi::DataType type, std::initializer_list<std::int64_t> shape) {
    const Dimensions dimensions = buffer.dimensions();
    return buffer.element_type() == type && dimensions.size() == shape.size() &&
           std::equal(shape.begin(), shape.end(), dimensions.begin());
}

std::int64_t round_up(std::int64_t value, std::int64_t multiple) { return (value + multiple - 1) / multiple * multiple; }

// The matrix in `codes` and `scales` with `rows` outputs, or false if they are not of that shape.
bool read_weight(const ffi::AnyBuffer& codes, const ffi::AnyBuffer& scales, const Product& call, Weight& weight) {
    const std::int64_t panels = (weight.rows + kPanel - 1) / kPanel;
    const std::int64_t groups = call.columns / (weight.bits == 4 ? 8 : 4);
    const ffi::DataType type = weight.bits == 4 ? ffi::U8 : ffi::S8;
    weight.codes = static_cast<const std::uint8_t*>(codes.untyped_data());
    weight.scales = static_cast<const std::uint16_t*>(scales.untyped_data());
    return is(codes, type, {panels, groups, kPanel, 4}) &&
           is(scales, ffi::BF16, {panels, call.columns / call.block, kPanel});
}

// Arguments: x, norm if `has_norm`, residual if `finish` adds, then codes and scales of each weight. With GeGLU,
// two weights give one result; else every weight gives one.
ffi::Error product(ffi::RemainingArgs arguments, ffi::RemainingRets results, std::int64_t block, float eps,
                   bool has_norm, std::int64_t finish, ffi::Span<const std::int64_t> bits) {
    Product call{};
    if (block != 32 && block != 64 && block != 128) return wrong("blocks have 32, 64 or 128 columns");
    if (finish < 0 || finish > static_cast<int>(Finish::kGeglu)) return wrong("unknown finish");
    call.block = static_cast<int>(block);
    call.eps = eps;
    call.finish = static_cast<Finish>(finish);
    call.count = static_cast<int>(bits.size());
    const bool adds = call.finish == Finish::kAdd, geglu = call.finish == Finish::kGeglu;
    const std::size_t first = 1 + has_norm + adds;
    if (arguments.size() != first + 2 * bits.size() || bits.size() == 0 || (adds && bits.size() != 1) ||
        (geglu && bits.size() != 2) || results.size() != (geglu ? 1 : bits.size())) {
        return wrong("the number of arguments or results is wrong");
    }
    const auto x = arguments.get<ffi::AnyBuffer>(0);
    if (!x || x->element_type() != ffi::F32 || x->dimensions().size() != 2) return wrong("x is not float32 [T, K]");
    call.rows = x->dimensions()[0];
    call.width = x->dimensions()[1];
    call.columns = round_up(call.width, block);
    call.x = static_cast<const float*>(x->untyped_data());
    if (has_norm) {
        const auto norm = arguments.get<ffi::AnyBuffer>(1);
        if (!norm || !is(*norm, ffi::F32, {call.width})) return wrong("norm is not float32 [K]");
        call.norm = static_cast<const float*>(norm->untyped_data());
    }
    std::vector<Weight> weights(bits.size());
    for (std::size_t i = 0; i < bits.size(); ++i) {
        const auto codes = arguments.get<ffi::AnyBuffer>(first + 2 * i);
        const auto scales = arguments.get<ffi::AnyBuffer>(first + 2 * i + 1);
        auto out = results.get<ffi::AnyBuffer>(geglu ? 0 : i);
        if (!codes || !scales || !out || (bits[i] != 4 && bits[i] != 8)) return wrong("a weight is missing");
        if ((*out)->dimensions().size() != 2) return wrong("a result is not [T, N]");
        weights[i].bits = static_cast<int>(bits[i]);
        weights[i].rows = (*out)->dimensions()[1];
        weights[i].out = static_cast<float*>((*out)->untyped_data());
        if (!is(**out, ffi::F32, {call.rows, weights[i].rows})) return wrong("a result is not float32 [T, N]");
        if (!read_weight(*codes, *scales, call, weights[i])) return wrong("a weight has another shape than its product");
    }
    if (adds) {
        const auto residual = arguments.get<ffi::AnyBuffer>(1 + has_norm);
        if (!residual || !is(*residual, ffi::F32, {call.rows, weights[0].rows})) {
            return wrong("the residual is not float32 [T, N]");
        }
        call.residual = static_cast<const float*>(residual->untyped_data());
    }
    call.weights = weights.data();
    if (call.rows > 0 && call.width > 0) kernels().product(call);
    return ffi::Error::Success();
}

ffi::Error dense_product(ffi::Buffer<ffi::F32> x, ffi::Buffer<ffi::BF16> weight,
                         ffi::Result<ffi::Buffer<ffi::F32>> out) {
    if (x.dimensions().size() != 2 || weight.dimensions().size() != 2 || out->dimensions().size() != 2) {
        return wrong("x, weight and result need two axes each");
    }
    DenseProduct call{};
    call.rows = x.dimensions()[0];
    call.width = x.dimensions()[1];
    call.outputs = weight.dimensions()[0];
    if (weight.dimensions()[1] != call.width || out->dimensions()[0] != call.rows ||
        out->dimensions()[1] != call.outputs) {
        return wrong("the shapes of x, weight and result do not fit");
    }
    call.x = x.typed_data();
    call.weight = reinterpret_cast<const std::uint16_t*>(weight.untyped_data());
    call.out = out->typed_data();
    if (call.rows > 0 && call.outputs > 0) kernels().dense_product(call);
    return ffi::Error::Success();
}

}  // namespace
}  // namespace codegem

CODEGEM_EXPORT(codegem_product);
XLA_FFI_DEFINE_HANDLER_SYMBOL(codegem_product, codegem::product,
                              xla::ffi::Ffi::Bind()
                                  .RemainingArgs()
                                  .RemainingRets()
                                  .Attr<std::int64_t>("block")
                                  .Attr<float>("eps")
                                  .Attr<bool>("has_norm")
                                  .Attr<std::int64_t>("finish")
                                  .Attr<xla::ffi::Span<const std::int64_t>>("bits"));

CODEGEM_EXPORT(codegem_dense_product);
XLA_FFI_DEFINE_HANDLER_SYMBOL(codegem_dense_product, codegem::dense_product,
                              xla::ffi::Ffi::Bind()
                                  .Arg<xla::ffi::Buffer<xla::ffi::F32>>()
                                  .Arg<xla::ffi::Buffer<xla::ffi::BF16>>()
                                  .Ret<xla::ffi::Buffer<xla::ffi::F32>>());
