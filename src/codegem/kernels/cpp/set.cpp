// The table of one set of instructions; compiled for every set.
#include "dispatch.h"

namespace codegem {
namespace CODEGEM_SET {

void product(const Product&);
void mlp(const Mlp&);
void attend(const Attention&);

#define CODEGEM_TEXT(name) #name
#define CODEGEM_NAME(name) CODEGEM_TEXT(name)

extern const Kernels table;
const Kernels table = {
    CODEGEM_NAME(CODEGEM_SET),
    product,
    mlp,
    attend,
};

}  // namespace CODEGEM_SET
}  // namespace codegem
