// One source, compiled once for each set of instructions; the set is chosen when the library is loaded.
#pragma once

namespace codegem {

struct Attention;
struct AttentionTraining;
struct CrossEntropy;
struct Mlp;
struct MlpTraining;
struct Orthogonal;
struct Product;

// What one set of instructions offers. Filled in by set.cpp, which is compiled for every set.
struct Kernels {
    const char* name;
    void (*product)(const Product&);
    void (*mlp)(const Mlp&);
    void (*attend)(const Attention&);
    void (*cross_entropy)(const CrossEntropy&);
    void (*mlp_forward)(const MlpTraining&);
    void (*mlp_backward)(const MlpTraining&);
    void (*attention_forward)(const AttentionTraining&);
    void (*attention_backward)(const AttentionTraining&);
    void (*orthogonal)(const Orthogonal&);
};

// The chosen set: the best one that this processor and its system allow, unless `choose` named another.
const Kernels& kernels();

}  // namespace codegem

extern "C" {
#pragma GCC visibility push(default)
// Names of the usable sets, best first; null behind the last one.
const char* codegem_instructions(int index);
// Takes the set of that name from now on; 0 when it is not usable here.
int codegem_choose(const char* name);
// The name of the set in use.
const char* codegem_chosen();
// Threads that share the work.
int codegem_threads();
#pragma GCC visibility pop
}
