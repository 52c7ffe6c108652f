"""What Linux tells of running processes, in /proc."""

import os

_HELD = ("VmRSS:", "VmPTE:", "VmSwap:")  # a page table can be as large as what it maps is small


def tree(root: int) -> list[int]:
    """A process and all that come from it; those that are gone meanwhile are left out."""
    found, waiting = [], [root]
    while waiting:
        number = waiting.pop()
        found.append(number)
        try:
            threads = os.listdir(f"/proc/{number}/task")
        except OSError:
            continue
        for thread in threads:
            waiting += [int(word) for word in _read(f"/proc/{number}/task/{thread}/children").split()]
    return found


def held_by(processes: list[int], enough: int) -> int:
    """Bytes of memory that processes hold together.

    Pages that several share are counted once for each, which is quick; above `enough` they are counted by
    share, where the kernel lets us see it.
    """
    quick = sum(_resident(number) for number in processes)
    return quick if quick <= enough else sum(_proportional(number) for number in processes)


def files_under(process: int, folder: str, size: int) -> int:
    """How many files are in the file system of `size` bytes that a process sees at `folder`.

    0 where there is none: it is not made yet, or can't be seen.
    """
    try:
        told = os.statvfs(f"/proc/{process}/root{folder}")
    except OSError:
        return 0
    return told.f_files - told.f_ffree if told.f_blocks == -(-size // told.f_frsize) else 0


def sockets(process: int) -> int:
    """How many sockets there are in the network that a process sees."""
    words = _read(f"/proc/{process}/net/sockstat").split()
    return int(words[2]) if words[:2] == ["sockets:", "used"] else 0


def _resident(number: int) -> int:
    rows = (line.split() for line in _read(f"/proc/{number}/status").splitlines())
    return sum(int(words[1]) for words in rows if words and words[0] in _HELD) * 1024


def _proportional(number: int) -> int:
    rows = [line.split() for line in _read(f"/proc/{number}/smaps_rollup").splitlines()]
    found = {words[0]: int(words[1]) * 1024 for words in rows if words[0] in ("Rss:", "Pss:")}
    return _resident(number) - found.get("Rss:", 0) + found.get("Pss:", 0)


def _read(path: str) -> str:
    try:
        with open(path, encoding="ascii", errors="replace") as file:
            return file.read()
    except OSError:
        return ""
