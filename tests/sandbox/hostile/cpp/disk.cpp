// expected: held
#include <bits/stdc++.h>
#include <fcntl.h>
#include <unistd.h>

int main() {
    signal(SIGXFSZ, SIG_IGN);
    int shared = open("/dev/shm/hostile", O_CREAT | O_RDWR, 0600);
    if (fallocate(shared, 0, 0, 1L << 40) == 0 || ftruncate(shared, 1L << 40) == 0) puts("ESCAPED");
    std::vector<char> block(1 << 20, 'x');
    long total = 0;
    for (const char* folder : {"/work", "/tmp", "/dev/shm"}) {
        for (int number = 0; number < 64; number++) {
            auto path = std::string(folder) + "/hostile" + std::to_string(number);
            int file = open(path.c_str(), O_CREAT | O_WRONLY, 0600);
            unlink(path.c_str());  // it takes its space as long as it is open
            for (long wrote; (wrote = write(file, block.data(), block.size())) > 0;) total += wrote;
        }
    }
    puts(total <= 3L * (32 << 20) ? "held" : "ESCAPED");
}
