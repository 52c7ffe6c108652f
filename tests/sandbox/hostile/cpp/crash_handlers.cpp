// expected: out of time
#include <bits/stdc++.h>
#include <setjmp.h>
#include <signal.h>

sigjmp_buf place;
void again(int) { siglongjmp(place, 1); }

int main() {
    for (int number : {SIGSEGV, SIGXCPU, SIGALRM, SIGTERM, SIGBUS}) signal(number, again);
    sigsetjmp(place, 1);
    *(volatile int*)0 = 1;
}
