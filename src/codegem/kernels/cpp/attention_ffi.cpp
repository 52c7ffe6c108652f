// Cached attention as XLA calls it: shapes and lengths are checked here, so that nothing can lead out of the cache.
#include "attention.h"

#include <algorithm>
#include <initializer_list>
#include <string>

#include "binding.h"
#include "dispatch.h"

namespace ffi = xla::ffi;

namespace codegem {
namespace {

ffi::Error wrong(const std::string& what) { return ffi::Error::InvalidArgument("codegem attend_cached: " + what); }

bool is(const ffi::AnyBuffer& buffer, ffi::DataType type, std::initializer_list<std::int64_t> shape) {
    const auto dimensions = buffer.dimensions();
    return buffer.element_type() == type && dimensions.size() == shape.size() &&
           std::equal(shape.begin(), shape.end(), dimensions.begin());
}

ffi::Error attend_cached(ffi::AnyBuffer q, ffi::AnyBuffer k, ffi::AnyBuffer v, ffi::AnyBuffer keys,
                         ffi::AnyBuffer values, ffi::AnyBuffer lengths, ffi::AnyBuffer frequencies,
                         ffi::Result<ffi::AnyBuffer> mixed, ffi::Result<ffi::AnyBuffer> keys_out,
                         ffi::Result<ffi::AnyBuffer> values_out) {
    if (q.dimensions().size() != 4 || keys.dimensions().size() != 4) return wrong("q and keys need four axes");
    Attention call{};
    call.batch = q.dimensions()[0];
    call.rows = q.dimensions()[1];
    call.heads = q.dimensions()[2];
    call.head = q.dimensions()[3];
    call.capacity = keys.dimensions()[1];
    call.kv_heads = keys.dimensions()[2];
    call.bfloat16 = keys.element_type() == ffi::BF16;
    const ffi::DataType slot = call.bfloat16 ? ffi::BF16 : ffi::F32;
    const std::int64_t batch = call.batch, rows = call.rows, kv_heads = call.kv_heads, head = call.head;
    if (head % 2 || head <= 0 || kv_heads <= 0 || call.heads % kv_heads) return wrong("the heads do not fit");
    const bool fit = is(q, ffi::F32, {batch, rows, call.heads, head}) && is(k, ffi::F32, {batch, rows, kv_heads, head}) &&
                     is(v, ffi::F32, {batch, rows, kv_heads, head}) &&
                     is(keys, slot, {batch, call.capacity, kv_heads, head}) &&
                     is(values, slot, {batch, call.capacity, kv_heads, head}) && is(lengths, ffi::S32, {batch}) &&
                     is(frequencies, ffi::F32, {head / 2}) && is(*mixed, ffi::F32, {batch, rows, call.heads, head});
    if (!fit) return wrong("the shapes or types do not fit");
    if (keys_out->untyped_data() != keys.untyped_data() || values_out->untyped_data() != values.untyped_data()) {
        return wrong("the caches are not changed in place");
    }
    call.q = static_cast<const float*>(q.untyped_data());
    call.k = static_cast<const float*>(k.untyped_data());
    call.v = static_cast<const float*>(v.untyped_data());
    call.keys = keys.untyped_data();
    call.values = values.untyped_data();
    call.lengths = static_cast<const std::int32_t*>(lengths.untyped_data());
    call.frequencies = static_cast<const float*>(frequencies.untyped_data());
    call.mixed = static_cast<float*>(mixed->untyped_data());
    for (std::int64_t b = 0; b < batch; ++b) {
        if (call.lengths[b] < 0 || call.lengths[b] + rows > call.capacity) {
            return wrong(std::to_string(rows) + " positions behind " + std::to_string(call.lengths[b]) +
                         " do not fit into a cache of " + std::to_string(call.capacity));
        }
    }
    if (batch > 0 && rows > 0 && call.heads > 0) kernels().attend(call);
    return ffi::Error::Success();
}

}  // namespace
}  // namespace codegem

CODEGEM_EXPORT(codegem_attend_cached);
XLA_FFI_DEFINE_HANDLER_SYMBOL(codegem_attend_cached, codegem::attend_cached,
                              xla::ffi::Ffi::Bind()
                                  .Arg<xla::ffi::AnyBuffer>()
                                  .Arg<xla::ffi::AnyBuffer>()
                                  .Arg<xla::ffi::AnyBuffer>()
                                  .Arg<xla::ffi::AnyBuffer>()
                                  .Arg<xla::ffi::AnyBuffer>()
                                  .Arg<xla::ffi::AnyBuffer>()
                                  .Arg<xla::ffi::AnyBuffer>()
                                  .Ret<xla::ffi::AnyBuffer>()
                                  .Ret<xla::ffi::AnyBuffer>()
                                  .Ret<xla::ffi::AnyBuffer>());
