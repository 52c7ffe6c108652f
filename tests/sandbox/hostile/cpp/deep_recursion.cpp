// expected: fails
#include <bits/stdc++.h>

int down(volatile int* above) {
    volatile int here[99] = {*above};
    return down(here) + here[0];
}

int main() {
    int start = 1;
    return down(&start);
}
