// Runs kernels on input from outside of Python, where there is none: tests cross-compile this program and run it under
// qemu, or build it with sanitizers. It is no part of the package.
//
//     selftest INSTRUCTIONS < CASES > RESULTS
//
// A case is a kind as int64 (0 product, 1 dense product, 2 attention), then its numbers as int64, eps as float32 where there is
// one, and its arrays, as the readers below take them. A result is the output arrays of every case, one after the
// other. Every array is copied to memory of exactly its size, so that a sanitizer sees the first byte read behind it.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <vector>

#include "attention.h"
#include "dispatch.h"
#include "products.h"

namespace {

template <typename T>
bool read(T* to, std::size_t count) {
    return std::fread(to, sizeof(T), count, stdin) == count;
}

template <typename T>
std::unique_ptr<T[]> read_array(std::int64_t count) {
    std::unique_ptr<T[]> array(new T[static_cast<std::size_t>(count)]);
    if (!read(array.get(), static_cast<std::size_t>(count))) std::exit(3);
    return array;
}

std::int64_t read_number() {
    std::int64_t number = 0;
    if (!read(&number, 1)) std::exit(3);
    return number;
}

void write(const float* values, std::int64_t count) {
    std::fwrite(values, sizeof(float), static_cast<std::size_t>(count), stdout);
}

std::int64_t divided(std::int64_t count, std::int64_t by) { return (count + by - 1) / by; }

// finish, rows, width, block, has_norm, weights; bits and rows of each; eps; x; norm; residual; codes and scales of
// each.
void product() {
    codegem::Product call{};
    call.finish = static_cast<codegem::Finish>(read_number());
    call.rows = read_number();
    call.width = read_number();
    call.block = static_cast<int>(read_number());
    call.columns = divided(call.width, call.block) * call.block;
    const bool has_norm = read_number() != 0, geglu = call.finish == codegem::Finish::kGeglu;
    std::vector<codegem::Weight> weights(static_cast<std::size_t>(read_number()));
    for (codegem::Weight& weight : weights) {
        weight.bits = static_cast<int>(read_number());
        weight.rows = read_number();
    }
    if (!read(&call.eps, 1)) std::exit(3);
    const auto x = read_array<float>(call.rows * call.width);
    const auto norm = read_array<float>(has_norm ? call.width : 0);
    const bool adds = call.finish == codegem::Finish::kAdd;
    const auto residual = read_array<float>(adds ? call.rows * weights[0].rows : 0);
    std::vector<std::unique_ptr<std::uint8_t[]>> codes;
    std::vector<std::unique_ptr<std::uint16_t[]>> scales;
    std::vector<std::unique_ptr<float[]>> results;
    for (codegem::Weight& weight : weights) {
        const std::int64_t height = divided(weight.rows, codegem::kPanel) * codegem::kPanel;
        codes.push_back(read_array<std::uint8_t>(height * call.columns * weight.bits / 8));
        scales.push_back(read_array<std::uint16_t>(height * (call.columns / call.block)));
        results.emplace_back(new float[static_cast<std::size_t>(call.rows * weight.rows)]);
        weight.codes = codes.back().get();
        weight.scales = scales.back().get();
        weight.out = results.back().get();
    }
    call.x = x.get();
    call.norm = has_norm ? norm.get() : nullptr;
    call.residual = residual.get();
    call.weights = weights.data();
    call.count = static_cast<int>(weights.size());
    codegem::kernels().product(call);
    for (std::size_t i = 0; i < (geglu ? 1 : weights.size()); ++i) write(weights[i].out, call.rows * weights[i].rows);
}

// rows, width, outputs; x; weight.
void dense_product() {
    codegem::DenseProduct call{};
    call.rows = read_number();
    call.width = read_number();
    call.outputs = read_number();
    const auto x = read_array<float>(call.rows * call.width);
    const auto weight = read_array<std::uint16_t>(call.outputs * call.width);
    const std::unique_ptr<float[]> out(new float[static_cast<std::size_t>(call.rows * call.outputs)]);
    call.x = x.get();
    call.weight = weight.get();
    call.out = out.get();
    codegem::kernels().dense_product(call);
    write(out.get(), call.rows * call.outputs);
}

// batch, rows, heads, kv_heads, head, capacity, bfloat16; q; k; v; keys; values; lengths; frequencies. The result is
// `mixed`.
void attention() {
    codegem::Attention call{};
    call.batch = read_number();
    call.rows = read_number();
    call.heads = read_number();
    call.kv_heads = read_number();
    call.head = read_number();
    call.capacity = read_number();
    call.bfloat16 = read_number() != 0;
    const std::int64_t rows = call.batch * call.rows, new_size = rows * call.kv_heads * call.head;
    const std::int64_t slots = call.batch * call.capacity * call.kv_heads * call.head, bytes = call.bfloat16 ? 2 : 4;
    const auto q = read_array<float>(rows * call.heads * call.head);
    const auto k = read_array<float>(new_size), v = read_array<float>(new_size);
    const auto keys = read_array<char>(slots * bytes), values = read_array<char>(slots * bytes);
    const auto lengths = read_array<std::int32_t>(call.batch);
    const auto frequencies = read_array<float>(call.head / 2);
    const std::unique_ptr<float[]> mixed(new float[static_cast<std::size_t>(rows * call.heads * call.head)]);
    call.q = q.get();
    call.k = k.get();
    call.v = v.get();
    call.keys = keys.get();
    call.values = values.get();
    call.lengths = lengths.get();
    call.frequencies = frequencies.get();
    call.mixed = mixed.get();
    codegem::kernels().attend(call);
    write(mixed.get(), rows * call.heads * call.head);
}

}  // namespace

int main(int count, char** words) {
    if (count != 2 || !codegem_choose(words[1])) {
        std::fprintf(stderr, "usage: selftest INSTRUCTIONS < CASES; usable here:");
        for (int i = 0; codegem_instructions(i); ++i) std::fprintf(stderr, " %s", codegem_instructions(i));
        std::fprintf(stderr, "\n");
        return 2;
    }
    for (std::int64_t kind; read(&kind, 1);) {
        if (kind == 0) {
            product();
        } else if (kind == 1) {
            dense_product();
        } else if (kind == 2) {
            attention();
        } else {
            return 3;
        }
    }
    return 0;
}
