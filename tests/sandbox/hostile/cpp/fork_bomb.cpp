// expected: over the process limit | out of time
#include <unistd.h>

int main() {
    for (;;) fork();
}
