// expected: held
#include <bits/stdc++.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

int main() {
    long numbers[] = {SYS_bpf, SYS_perf_event_open, SYS_userfaultfd, SYS_keyctl, SYS_add_key, SYS_io_uring_setup,
                      SYS_open_by_handle_at, SYS_unshare, SYS_init_module, SYS_kexec_load, SYS_syslog, SYS_acct,
                      SYS_quotactl, SYS_swapon, SYS_mount, SYS_pivot_root, SYS_ptrace};
    for (long number : numbers)
        if (syscall(number, 0x10000000, 0, 0, 0, 0, 0) >= 0) printf("ESCAPED: %ld\n", number);
    if (syscall(SYS_clone, 0x10000000 | 17, 0, 0, 0, 0) > 0) puts("ESCAPED: clone");
#ifdef __x86_64__
    if (syscall(0x40000000 | SYS_getpid) > 0) puts("ESCAPED: another numbering");
#endif
    puts("held");
    fflush(stdout);
}
