"""A filter of system calls, for what namespaces and limits leave open.

Memory that no limit sees (memfd_create, shared memory without a file, that of System V, message queues, keys),
sockets that lead past a network namespace (AF_VSOCK reaches the host of a virtual machine), and parts of the kernel
that code from a model has no use for and that have often been a way out (new user namespaces, io_uring, BPF,
ptrace and others). A program that asks for one of these is told that the kernel has none, or that it may not.

The filter is a program of classic BPF over `struct seccomp_data` (Linux, `uapi/linux/seccomp.h`); numbers of
system calls are those of `asm/unistd_64.h` and of `asm-generic/unistd.h`.
"""

import errno
import platform
import struct

_Step = tuple[int, int, int, int]  # operation, steps to jump over where a test is met, where not, value

# name: (number on x86-64, number on aarch64, what the program is told)
_CALLS = {
    "memfd_create": (319, 279, errno.ENOSYS),
    "memfd_secret": (447, 447, errno.ENOSYS),
    "shmget": (29, 194, errno.ENOSYS),
    "semget": (64, 190, errno.ENOSYS),
    "msgget": (68, 186, errno.ENOSYS),
    "add_key": (248, 217, errno.EPERM),
    "request_key": (249, 218, errno.EPERM),
    "keyctl": (250, 219, errno.EPERM),
    "unshare": (272, 97, errno.EPERM),
    "setns": (308, 268, errno.EPERM),
    "clone3": (435, 435, errno.ENOSYS),  # its flags lie in memory that a filter can't read; libraries then use clone
    "ptrace": (101, 117, errno.EPERM),
    "process_vm_readv": (310, 270, errno.EPERM),
    "process_vm_writev": (311, 271, errno.EPERM),
    "bpf": (321, 280, errno.EPERM),
    "perf_event_open": (298, 241, errno.EPERM),
    "userfaultfd": (323, 282, errno.ENOSYS),
    "io_uring_setup": (425, 425, errno.ENOSYS),
    "mount": (165, 40, errno.EPERM),
    "open_by_handle_at": (304, 265, errno.EPERM),
}
_CLONE, _MMAP, _SOCKET, _SOCKETPAIR = (56, 220), (9, 222), (41, 198), (53, 199)
_NEW_USER = 0x10000000  # CLONE_NEWUSER
_SHARED, _ANONYMOUS = 0x01, 0x20  # MAP_SHARED, MAP_ANONYMOUS
_FAMILIES = (1, 2, 10, 16)  # AF_UNIX, AF_INET, AF_INET6, AF_NETLINK
_X32 = 0x40000000  # the other numbering of x86-64 processors
_MACHINES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}  # column above, AUDIT_ARCH

_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_NUMBER, _MACHINE, _ARGUMENTS = 0, 4, 16  # places in seccomp_data; an argument has 8 bytes, the low half first
_ALLOW, _ERROR, _KILL = 0x7FFF0000, 0x00050000, 0x80000000


def program() -> bytes | None:
    """The filter for this machine's processor; None where its numbers are not known here."""
    if platform.machine() not in _MACHINES:
        return None
    column, machine = _MACHINES[platform.machine()]
    steps = [(_LOAD, 0, 0, _MACHINE), (_EQUAL, 1, 0, machine), (_RETURN, 0, 0, _KILL), (_LOAD, 0, 0, _NUMBER)]
    steps += _refuse((_AT_LEAST, _X32), errno.ENOSYS)
    for *numbers, told in _CALLS.values():
        steps += _refuse((_EQUAL, numbers[column]), told)
    steps += _where(_CLONE[column], 0, _refuse((_ANY_BIT, _NEW_USER), errno.EPERM))
    # Its pages stay when nobody maps them any more, and then no process is seen to hold them.
    steps += _where(_MMAP[column], 3, [(_ANY_BIT, 0, 2, _ANONYMOUS), *_refuse((_ANY_BIT, _SHARED), errno.EPERM)])
    known = [(_EQUAL, len(_FAMILIES) - place, 0, family) for place, family in enumerate(_FAMILIES)]
    for call in (_SOCKET, _SOCKETPAIR):
        steps += _where(call[column], 0, [*known, (_RETURN, 0, 0, _ERROR | errno.EAFNOSUPPORT)])
    steps.append((_RETURN, 0, 0, _ALLOW))
    return b"".join(struct.pack("=HBBI", *step) for step in steps)


def _where(call: int, argument: int, steps: list[_Step]) -> list[_Step]:
    """Steps that look at an argument of one call, and go on behind them for all others."""
    loads = (_LOAD, 0, 0, _ARGUMENTS + 8 * argument), (_LOAD, 0, 0, _NUMBER)
    return [(_EQUAL, 0, len(steps) + 2, call), loads[0], *steps, loads[1]]


def _refuse(test: tuple[int, int], told: int) -> list[_Step]:
    """Two steps: where the test is met, return an error; else go on behind them."""
    return [(test[0], 0, 1, test[1]), (_RETURN, 0, 0, _ERROR | told)]
