// expected: over the memory limit
#include <bits/stdc++.h>

int main() {
    for (;;) memset(malloc(1 << 22), 1, 1 << 22);
}
