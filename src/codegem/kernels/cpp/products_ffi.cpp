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

// Reads arguments one after the other.
class Arguments {
  public:
    Arguments(ffi::RemainingArgs& arguments) : arguments_(arguments) {}

    // The next one, if it has that type and shape; else null.
    const void* next(ffi::DataType type, std::initializer_list<std::int64_t> shape) {
        const auto buffer = arguments_.get<ffi::AnyBuffer>(index_++);
        return buffer && is(*buffer, type, shape) ? buffer->untyped_data() : nullptr;
    }

    // The next matrix of `weight.rows` outputs; false if its shape is another.
    bool next(const Product& call, Weight& weight) {
        const std::int64_t panels = weight.panels(), columns = call.columns;
        if (weight.bits == 16) {
            weight.codes = static_cast<const std::uint8_t*>(next(ffi::BF16, {panels, columns / 2, kPanel, 2}));
            return weight.codes;
        }
        const std::int64_t groups = columns / (weight.bits == 4 ? 8 : 4);
        weight.codes = static_cast<const std::uint8_t*>(next(weight.bits == 4 ? ffi::U8 : ffi::S8, {panels, groups, kPanel, 4}));
        weight.scales = static_cast<const std::uint16_t*>(next(ffi::BF16, {panels, columns / call.block, kPanel}));
        return weight.codes && weight.scales;
    }

    bool done() const { return index_ == arguments_.size(); }

  private:
    ffi::RemainingArgs& arguments_;
    std::size_t index_ = 0;
};

bool fits(std::int64_t block, std::int64_t bits) {
    return bits == 16 ? block == kDenseBlock : (bits == 4 || bits == 8) && (block == 32 || block == 64 || block == 128);
}

// Sets what follows from the width.
void set_width(Product& call, std::int64_t width, std::int64_t block) {
    call.width = width;
    call.block = static_cast<int>(block);
    call.columns = round_up(width, block);
}

// Arguments: x, norm if `has_norm`, residual if `adds`, then codes and scales of each weight, or the values of one in
// bfloat16. Every weight gives one result.
ffi::Error product(ffi::RemainingArgs all, ffi::RemainingRets results, std::int64_t block, float eps, bool has_norm,
                   bool adds, ffi::Span<const std::int64_t> bits) {
    if (bits.size() == 0 || results.size() != bits.size() || (adds && bits.size() != 1) || all.size() == 0) {
        return wrong("the number of arguments or results is wrong");
    }
    const auto x = all.get<ffi::AnyBuffer>(0);
    if (!x || x->dimensions().size() != 2) return wrong("x is not [T, K]");
    std::vector<Weight> weights(bits.size());
    for (std::size_t i = 0; i < bits.size(); ++i) {
        auto out = results.get<ffi::AnyBuffer>(i);
        if (!fits(block, bits[i]) || (bits[i] == 16) != (bits[0] == 16)) return wrong("no such bits or block");
        if (!out || (*out)->dimensions().size() != 2) return wrong("a result is not [T, N]");
        weights[i].bits = static_cast<int>(bits[i]);
        weights[i].rows = (*out)->dimensions()[1];
        weights[i].out = static_cast<float*>((*out)->untyped_data());
        if (!is(**out, ffi::F32, {x->dimensions()[0], weights[i].rows})) return wrong("a result is not float32 [T, N]");
    }
    Product call{};
    call.rows = x->dimensions()[0];
    call.weights = weights.data();
    call.count = static_cast<int>(weights.size());
    call.finish = adds ? Finish::kAdd : Finish::kStore;
    call.eps = eps;
    set_width(call, x->dimensions()[1], block);
    Arguments arguments(all);
    bool fit = (call.x = static_cast<const float*>(arguments.next(ffi::F32, {call.rows, call.width})));
    if (has_norm) fit &= (call.norm = static_cast<const float*>(arguments.next(ffi::F32, {call.width}))) != nullptr;
    if (adds) {
        call.residual = static_cast<const float*>(arguments.next(ffi::F32, {call.rows, weights[0].rows}));
        fit &= call.residual != nullptr;
    }
    for (Weight& weight : weights) fit &= arguments.next(call, weight);
    if (call.rows == 0 || call.width == 0) return ffi::Error::Success();
    if (!fit || !arguments.done()) return wrong("an argument has another type or shape than the result");
    kernels().product(call);
    return ffi::Error::Success();
}

// Arguments: x, norm, then gate, up and down, each as in `product`.
ffi::Error mlp(ffi::RemainingArgs all, ffi::Result<ffi::AnyBuffer> out, std::int64_t hidden,
               ffi::Span<const std::int64_t> blocks, float eps, ffi::Span<const std::int64_t> bits) {
    if (bits.size() != 3 || blocks.size() != 2 || hidden < 1) return wrong("an MLP has three matrices");
    if (out->dimensions().size() != 2) return wrong("the result is not [T, D]");
    const std::int64_t rows = out->dimensions()[0], width = out->dimensions()[1];
    for (std::size_t i = 0; i < 3; ++i) {
        if (!fits(blocks[i / 2], bits[i]) || (bits[i] == 16) != (bits[0] == 16)) return wrong("no such bits or block");
    }
    Weight weights[3] = {};
    for (int i = 0; i < 3; ++i) weights[i].bits = static_cast<int>(bits[i]), weights[i].rows = i == 2 ? width : hidden;
    Mlp call{};
    call.wide.rows = call.narrow.rows = rows;
    set_width(call.wide, width, blocks[0]);
    set_width(call.narrow, hidden, blocks[1]);
    call.wide.weights = weights, call.wide.count = 2, call.wide.finish = Finish::kGeglu, call.wide.eps = eps;
    call.narrow.weights = weights + 2, call.narrow.count = 1, call.narrow.finish = Finish::kAdd;
    weights[2].out = static_cast<float*>(out->untyped_data());
    Arguments arguments(all);
    call.wide.x = call.narrow.residual = static_cast<const float*>(arguments.next(ffi::F32, {rows, width}));
    call.wide.norm = static_cast<const float*>(arguments.next(ffi::F32, {width}));
    bool fit = call.wide.x && call.wide.norm && out->element_type() == ffi::F32;
    for (int i = 0; i < 3; ++i) fit &= arguments.next(i == 2 ? call.narrow : call.wide, weights[i]);
    if (rows == 0 || width == 0) return ffi::Error::Success();
    if (!fit || !arguments.done()) return wrong("an argument of the MLP has another type or shape than the result");
    kernels().mlp(call);
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
                                  .Attr<bool>("adds")
                                  .Attr<xla::ffi::Span<const std::int64_t>>("bits"));

CODEGEM_EXPORT(codegem_mlp);
XLA_FFI_DEFINE_HANDLER_SYMBOL(codegem_mlp, codegem::mlp,
                              xla::ffi::Ffi::Bind()
                                  .RemainingArgs()
                                  .Ret<xla::ffi::AnyBuffer>()
                                  .Attr<std::int64_t>("hidden")
                                  .Attr<xla::ffi::Span<const std::int64_t>>("blocks")
                                  .Attr<float>("eps")
                                  .Attr<xla::ffi::Span<const std::int64_t>>("bits"));
