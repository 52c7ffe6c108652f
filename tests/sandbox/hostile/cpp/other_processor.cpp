// expected: fails | held
// The 32-bit numbering of system calls, which a filter for 64 bits would not see.
#include <bits/stdc++.h>

int main() {
#ifdef __x86_64__
    long answer = 20;  // getpid
    asm volatile("int $0x80" : "+a"(answer) : : "memory", "r8", "r9", "r10", "r11");
    if (answer > 0) puts("ESCAPED");
#endif
    puts("held");
}
