// The training kernels as XLA calls them: buffers are checked here, so that no shape can lead a kernel out of its memory.
#include <algorithm>
#include <initializer_list>
#include <string>
#include <vector>

#include "binding.h"
#include "dispatch.h"
#include "training.h"

namespace ffi = xla::ffi;

namespace codegem {
namespace {

constexpr std::int64_t kMultiple = 32, kMostHead = 512;

using Shape = std::initializer_list<std::int64_t>;

// Arguments and results one after the other; remembers whether one had another type or shape than was asked for.
class Buffers {
  public:
    Buffers(ffi::RemainingArgs arguments, ffi::RemainingRets results) : arguments_(arguments), results_(results) {}

    template <typename T>
    const T* in(Shape shape) {
        const auto buffer = arguments_.get<ffi::AnyBuffer>(next_in_++);
        return buffer && fits<T>(*buffer, shape) ? static_cast<const T*>(buffer->untyped_data()) : nullptr;
    }

    template <typename T>
    T* out(Shape shape) {
        auto buffer = results_.get<ffi::AnyBuffer>(next_out_++);
        return buffer && fits<T>(**buffer, shape) ? static_cast<T*>((*buffer)->untyped_data()) : nullptr;
    }

    ffi::Error error(const char* name) const {
        return ffi::Error::InvalidArgument(std::string("codegem ") + name + ": an array has another type or shape than the first ones ask for");
    }

    // The size of an axis of an argument, or 0.
    std::int64_t size(std::size_t argument, std::size_t axis) const {
        const auto buffer = arguments_.get<ffi::AnyBuffer>(argument);
        return buffer && axis < buffer->dimensions().size() ? buffer->dimensions()[axis] : 0;
    }

    bool fit() const { return fit_ && next_in_ == arguments_.size() && next_out_ == results_.size(); }

  private:
    template <typename T>
    bool fits(const ffi::AnyBuffer& buffer, Shape shape) {
        const ffi::DataType type = sizeof(T) == 2 ? ffi::BF16 : static_cast<T>(0.5) == 0 ? ffi::S32 : ffi::F32;
        const auto dimensions = buffer.dimensions();
        const bool fits = buffer.element_type() == type && dimensions.size() == shape.size() &&
                          std::equal(shape.begin(), shape.end(), dimensions.begin());
        fit_ &= fits;
        return fits;
    }

    ffi::RemainingArgs arguments_;
    ffi::RemainingRets results_;
    std::size_t next_in_ = 0, next_out_ = 0;
    bool fit_ = true;
};

using Half = std::uint16_t;

bool whole(Shape sizes) {
    return std::all_of(sizes.begin(), sizes.end(), [](std::int64_t size) { return size > 0 && size % kMultiple == 0; });
}

// Arguments: hidden, embedding, targets, weights. Results: the loss, then the gradient of the first or those of the first two.
ffi::Error cross_entropy(ffi::RemainingArgs arguments, ffi::RemainingRets results) {
    Buffers buffers(arguments, results);
    CrossEntropy call{};
    const std::int64_t rows = call.rows = buffers.size(0, 0), width = call.width = buffers.size(0, 1);
    const std::int64_t vocabulary = call.vocabulary = buffers.size(1, 0);
    call.hidden = buffers.in<Half>({rows, width});
    call.embedding = buffers.in<Half>({vocabulary, width});
    call.targets = buffers.in<std::int32_t>({rows});
    call.weights = buffers.in<float>({rows});
    call.loss = buffers.out<float>({});
    if (results.size() > 1) {
        call.d_hidden = buffers.out<Half>({rows, width});
        if (results.size() > 2) call.d_embedding = buffers.out<Half>({vocabulary, width});
    }
    if (!buffers.fit() || !whole({rows, width, vocabulary})) return buffers.error("cross_entropy");
    for (std::int64_t row = 0; row < rows; ++row) {
        if (call.targets[row] < 0 || call.targets[row] >= vocabulary) {
            return ffi::Error::InvalidArgument("codegem cross_entropy: target " + std::to_string(call.targets[row]) +
                                               " is not in a vocabulary of " + std::to_string(vocabulary));
        }
    }
    kernels().cross_entropy(call);
    return ffi::Error::Success();
}

// Arguments: x, scale, gate, up, down; and behind them, for the backward pass, gates, ups and d_out.
ffi::Error mlp(ffi::RemainingArgs arguments, ffi::RemainingRets results, float eps, bool backward) {
    Buffers buffers(arguments, results);
    MlpTraining call{};
    call.eps = eps;
    const std::int64_t rows = call.rows = buffers.size(0, 0), width = call.width = buffers.size(0, 1);
    const std::int64_t hidden = call.hidden = buffers.size(2, 0);
    call.x = buffers.in<Half>({rows, width});
    call.scale = buffers.in<float>({width});
    call.gate = buffers.in<Half>({hidden, width});
    call.up = buffers.in<Half>({hidden, width});
    call.down = buffers.in<Half>({width, hidden});
    if (backward) {
        // They are read only.
        call.gates = const_cast<Half*>(buffers.in<Half>({rows, hidden}));
        call.ups = const_cast<Half*>(buffers.in<Half>({rows, hidden}));
        call.d_out = buffers.in<Half>({rows, width});
        call.d_x = buffers.out<Half>({rows, width});
        call.d_scale = buffers.out<float>({width});
        call.d_gate = buffers.out<Half>({hidden, width});
        call.d_up = buffers.out<Half>({hidden, width});
        call.d_down = buffers.out<Half>({width, hidden});
    } else {
        call.out = buffers.out<Half>({rows, width});
        call.gates = buffers.out<Half>({rows, hidden});
        call.ups = buffers.out<Half>({rows, hidden});
    }
    if (!buffers.fit() || !whole({rows, width, hidden})) return buffers.error("mlp_training");
    backward ? kernels().mlp_backward(call) : kernels().mlp_forward(call);
    return ffi::Error::Success();
}

// Arguments: x, scale, q, k, v, o, cosines, sines, segments; and behind them, for the backward pass, queries, keys,
// values, mixed, log_sums and d_out.
ffi::Error attention(ffi::RemainingArgs arguments, ffi::RemainingRets results, std::int64_t head, float eps, bool backward) {
    Buffers buffers(arguments, results);
    AttentionTraining call{};
    call.eps = eps;
    const std::int64_t rows = buffers.size(0, 0), width = call.width = buffers.size(0, 1);
    const std::int64_t batch = call.batch = buffers.size(8, 0), length = call.length = buffers.size(8, 1);
    const std::int64_t wide = buffers.size(2, 0), narrow = buffers.size(3, 0);
    if (head > kMostHead || !whole({batch * kMultiple, length, width, wide, narrow, head}) || rows != batch * length ||
        wide % head || narrow % head || wide % narrow) {
        return buffers.error("attention_training");
    }
    const std::int64_t heads = call.heads = wide / head, kv_heads = call.kv_heads = narrow / head;
    call.head = head;
    call.x = buffers.in<Half>({rows, width});
    call.scale = buffers.in<float>({width});
    call.q = buffers.in<Half>({wide, width});
    call.k = buffers.in<Half>({narrow, width});
    call.v = buffers.in<Half>({narrow, width});
    call.o = buffers.in<Half>({width, wide});
    call.cosines = buffers.in<float>({rows, head / 2});
    call.sines = buffers.in<float>({rows, head / 2});
    call.segments = buffers.in<std::int32_t>({batch, length});
    if (backward) {
        // They are read only.
        call.queries = const_cast<Half*>(buffers.in<Half>({batch, heads, length, head}));
        call.keys = const_cast<Half*>(buffers.in<Half>({batch, kv_heads, length, head}));
        call.values = const_cast<Half*>(buffers.in<Half>({batch, kv_heads, length, head}));
        call.mixed = const_cast<Half*>(buffers.in<Half>({rows, wide}));
        call.log_sums = const_cast<float*>(buffers.in<float>({batch, heads, length}));
        call.d_out = buffers.in<Half>({rows, width});
        call.d_x = buffers.out<Half>({rows, width});
        call.d_scale = buffers.out<float>({width});
        call.d_q = buffers.out<Half>({wide, width});
        call.d_k = buffers.out<Half>({narrow, width});
        call.d_v = buffers.out<Half>({narrow, width});
        call.d_o = buffers.out<Half>({width, wide});
    } else {
        call.out = buffers.out<Half>({rows, width});
        call.queries = buffers.out<Half>({batch, heads, length, head});
        call.keys = buffers.out<Half>({batch, kv_heads, length, head});
        call.values = buffers.out<Half>({batch, kv_heads, length, head});
        call.mixed = buffers.out<Half>({rows, wide});
        call.log_sums = buffers.out<float>({batch, heads, length});
    }
    if (!buffers.fit()) return buffers.error("attention_training");
    backward ? kernels().attention_backward(call) : kernels().attention_forward(call);
    return ffi::Error::Success();
}

// Arguments: matrices, each of which has a result; `steps` of the polynomial with three `factors`.
ffi::Error orthogonal(ffi::RemainingArgs arguments, ffi::RemainingRets results, std::int64_t steps,
                      ffi::Span<const float> factors) {
    Buffers buffers(arguments, results);
    std::vector<Matrix32> matrices(arguments.size());
    bool fit = factors.size() == 3 && steps >= 0 && results.size() == arguments.size();
    for (std::size_t i = 0; i < matrices.size() && fit; ++i) {
        Matrix32& matrix = matrices[i];
        matrix.rows = buffers.size(i, 0);
        matrix.columns = buffers.size(i, 1);
        matrix.in = buffers.in<float>({matrix.rows, matrix.columns});
        matrix.out = buffers.out<float>({matrix.rows, matrix.columns});
        fit &= whole({matrix.rows, matrix.columns});
    }
    if (!fit || !buffers.fit()) return buffers.error("orthogonal");
    std::stable_sort(matrices.begin(), matrices.end(),
                     [](const Matrix32& a, const Matrix32& b) { return a.rows * a.columns > b.rows * b.columns; });
    kernels().orthogonal({matrices.data(), static_cast<int>(matrices.size()), static_cast<int>(steps), factors[0], factors[1],
                          factors[2]});
    return ffi::Error::Success();
}

}  // namespace
}  // namespace codegem

CODEGEM_EXPORT(codegem_orthogonal);
XLA_FFI_DEFINE_HANDLER_SYMBOL(codegem_orthogonal, codegem::orthogonal,
                              xla::ffi::Ffi::Bind()
                                  .RemainingArgs()
                                  .RemainingRets()
                                  .Attr<std::int64_t>("steps")
                                  .Attr<xla::ffi::Span<const float>>("factors"));

CODEGEM_EXPORT(codegem_cross_entropy);
XLA_FFI_DEFINE_HANDLER_SYMBOL(codegem_cross_entropy, codegem::cross_entropy,
                              xla::ffi::Ffi::Bind().RemainingArgs().RemainingRets());

CODEGEM_EXPORT(codegem_mlp_training);
XLA_FFI_DEFINE_HANDLER_SYMBOL(codegem_mlp_training, codegem::mlp,
                              xla::ffi::Ffi::Bind().RemainingArgs().RemainingRets().Attr<float>("eps").Attr<bool>("backward"));

CODEGEM_EXPORT(codegem_attention_training);
XLA_FFI_DEFINE_HANDLER_SYMBOL(codegem_attention_training, codegem::attention,
                              xla::ffi::Ffi::Bind()
                                  .RemainingArgs()
                                  .RemainingRets()
                                  .Attr<std::int64_t>("head")
                                  .Attr<float>("eps")
                                  .Attr<bool>("backward"));
