// Runs kernels on input from outside of Python, where there is none: tests cross-compile this program and run it under
// qemu, or build it with sanitizers. It is no part of the package.
//
//     selftest INSTRUCTIONS < CASES > RESULTS
//
// A case is a kind as int64 (0 product, 1 MLP, 2 attention), then its numbers as int64, eps as float32 where there is
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

// The matrices of a case, and their results.
class Weights {
  public:
    explicit Weights(std::int64_t count) : weights_(static_cast<std::size_t>(count)) {}

    codegem::Weight& operator[](std::int64_t index) { return weights_[static_cast<std::size_t>(index)]; }
    const codegem::Weight* data() const { return weights_.data(); }

    // Codes and scales of one, or the values of one in bfloat16.
    void read(std::int64_t index, const codegem::Product& call) {
        codegem::Weight& weight = (*this)[index];
        const std::int64_t height = weight.panels() * codegem::kPanel;
        codes_.push_back(read_array<std::uint8_t>(height * call.columns * weight.bits / 8));
        scales_.push_back(read_array<std::uint16_t>(weight.bits == 16 ? 0 : height * (call.columns / call.block)));
        results_.emplace_back(new float[static_cast<std::size_t>(call.rows * weight.rows)]);
        weight.codes = codes_.back().get();
        weight.scales = scales_.back().get();
        weight.out = results_.back().get();
    }

  private:
    std::vector<codegem::Weight> weights_;
    std::vector<std::unique_ptr<std::uint8_t[]>> codes_;
    std::vector<std::unique_ptr<std::uint16_t[]>> scales_;
    std::vector<std::unique_ptr<float[]>> results_;
};

void set_width(codegem::Product& call, std::int64_t width, std::int64_t block) {
    call.width = width;
    call.block = static_cast<int>(block);
    call.columns = divided(width, block) * block;
}

// adds, rows, width, block, has_norm, weights; bits and rows of each; eps; x; norm; residual; each weight.
void product() {
    codegem::Product call{};
    const bool adds = read_number() != 0;
    call.finish = adds ? codegem::Finish::kAdd : codegem::Finish::kStore;
    call.rows = read_number();
    const std::int64_t width = read_number();
    set_width(call, width, read_number());
    const bool has_norm = read_number() != 0;
    call.count = static_cast<int>(read_number());
    Weights weights(call.count);
    for (int i = 0; i < call.count; ++i) {
        weights[i].bits = static_cast<int>(read_number());
        weights[i].rows = read_number();
    }
    if (!read(&call.eps, 1)) std::exit(3);
    const auto x = read_array<float>(call.rows * call.width);
    const auto norm = read_array<float>(has_norm ? call.width : 0);
    const auto residual = read_array<float>(adds ? call.rows * weights[0].rows : 0);
    for (int i = 0; i < call.count; ++i) weights.read(i, call);
    call.x = x.get();
    call.norm = has_norm ? norm.get() : nullptr;
    call.residual = residual.get();
    call.weights = weights.data();
    codegem::kernels().product(call);
    for (int i = 0; i < call.count; ++i) write(weights[i].out, call.rows * weights[i].rows);
}

// rows, width, hidden, block of gate and up, block of down; bits of each; eps; x; norm; gate, up and down.
void mlp() {
    codegem::Mlp call{};
    call.wide.rows = call.narrow.rows = read_number();
    const std::int64_t width = read_number(), hidden = read_number();
    set_width(call.wide, width, read_number());
    set_width(call.narrow, hidden, read_number());
    Weights weights(3);
    for (int i = 0; i < 3; ++i) {
        weights[i].bits = static_cast<int>(read_number());
        weights[i].rows = i < 2 ? hidden : width;
    }
    if (!read(&call.wide.eps, 1)) std::exit(3);
    const auto x = read_array<float>(call.wide.rows * width);
    const auto norm = read_array<float>(width);
    for (int i = 0; i < 3; ++i) weights.read(i, i < 2 ? call.wide : call.narrow);
    call.wide.x = call.narrow.residual = x.get();
    call.wide.norm = norm.get();
    call.wide.weights = weights.data();
    call.wide.count = 2;
    call.wide.finish = codegem::Finish::kGeglu;
    call.narrow.weights = weights.data() + 2;
    call.narrow.count = 1;
    call.narrow.finish = codegem::Finish::kAdd;
    codegem::kernels().mlp(call);
    write(weights[2].out, call.wide.rows * width);
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
            mlp();
        } else if (kind == 2) {
            attention();
        } else {
            return 3;
        }
    }
    return 0;
}
