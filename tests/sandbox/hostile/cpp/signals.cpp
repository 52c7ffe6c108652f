// expected: fails | held
#include <bits/stdc++.h>
#include <signal.h>
#include <unistd.h>

int main() {
    for (int number = 1; number < 65; number++) signal(number, SIG_IGN);
    if (kill(@PID@, 0) == 0) puts("ESCAPED: the tests are seen");
    for (int number : {SIGTERM, SIGSTOP, SIGKILL}) {
        kill(getppid(), number);
        kill(1, number);
        kill(-1, number);
        killpg(getpgid(getppid()), number);
    }
    puts("held");
}
