// The table of one set of instructions; compiled for every set.
#include "dispatch.h"

namespace codegem {
namespace CODEGEM_SET {

void product(const Product&);
void mlp(const Mlp&);
void attend(const Attention&);
void cross_entropy(const CrossEntropy&);
void mlp_forward(const MlpTraining&);
void mlp_backward(const MlpTraining&);
void attention_forward(const AttentionTraining&);
void attention_backward(const AttentionTraining&);
void orthogonal(const Orthogonal&);

#define CODEGEM_TEXT(name) #name
#define CODEGEM_NAME(name) CODEGEM_TEXT(name)

extern const Kernels table;
const Kernels table = {
    CODEGEM_NAME(CODEGEM_SET),
    product,
    mlp,
    attend,
    cross_entropy,
    mlp_forward,
    mlp_backward,
    attention_forward,
    attention_backward,
    orthogonal,
};

}  // namespace CODEGEM_SET
}  // namespace codegem
