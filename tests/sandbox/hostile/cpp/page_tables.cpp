// expected: over the memory limit | held
// Nothing is written, so hardly any memory is held, except by the tables that say so.
#include <bits/stdc++.h>
#include <sys/mman.h>

int main() {
    volatile char seen = 0;
    const size_t size = 1UL << 40;
    for (int many = 0; many < 60; many++) {
        char* start = (char*)mmap(0, size, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (start == MAP_FAILED) break;
        for (size_t place = 0; place < size; place += 1 << 21) seen += start[place];
    }
    puts("held");
}
