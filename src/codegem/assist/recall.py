"""Suggestions kept for a while: asked again at the same place, or after typing on as suggested, nothing is computed."""

import hashlib
import threading
from collections import Counter, OrderedDict, defaultdict
from collections.abc import Hashable

_AHEAD = 256  # typed characters behind which a suggestion is still looked for

_Place = tuple[bytes, str | None, Hashable]
_Key = tuple[_Place, int, bytes]


class Recall:
    """The last suggestions, each found by the hashes of its prefix and suffix; from any thread.

    What was typed since then comes off the front of a suggestion. A place whose suffix has changed is another place.

    Args:
        size: how many are kept; the least used goes first.

    Example:
        >>> recall = Recall()
        >>> recall.keep("x = ", "\\n", "foo(a)", path="a.py")
        >>> recall.find("x = fo", "\\n", path="a.py"), recall.find("x = fx", "\\n", path="a.py")
        ('o(a)', None)
    """

    def __init__(self, size: int = 256):
        self._size = size
        self._kept: OrderedDict[_Key, str] = OrderedDict()
        self._lengths: defaultdict[_Place, Counter[int]] = defaultdict(Counter)  # of the prefixes kept for a place
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._kept)

    def keep(self, prefix: str, suffix: str, text: str, *, path: str | None = None, settings: Hashable = None) -> None:
        """Remember a finished suggestion, an empty one as well.

        Args:
            settings: whatever else the suggestion depends on; the same when it is looked for.
        """
        place = (_digest(suffix), path, settings)
        key = (place, len(prefix), _digest(prefix))
        with self._lock:
            if key not in self._kept:
                self._lengths[place][len(prefix)] += 1
            self._kept[key] = text
            self._kept.move_to_end(key)
            while len(self._kept) > self._size:
                self._forget(self._kept.popitem(last=False)[0])

    def find(self, prefix: str, suffix: str, *, path: str | None = None, settings: Hashable = None) -> str | None:
        """The suggestion for a place, or what is left of one that is being typed; None where there is none.

        A suggestion that was typed to its end is none any more: a model may have more to say.
        """
        place = (_digest(suffix), path, settings)
        with self._lock:
            lengths = self._lengths.get(place, ())
            near = sorted((size for size in lengths if 0 <= len(prefix) - size <= _AHEAD), reverse=True)
            for length in near:
                key = (place, length, _digest(prefix[:length]))
                text, typed = self._kept.get(key), prefix[length:]
                if text is not None and text.startswith(typed) and (len(text) > len(typed) or not typed):
                    self._kept.move_to_end(key)
                    return text[len(typed) :]
        return None

    def clear(self) -> None:
        """Forget everything: another model, other settings of the server."""
        with self._lock:
            self._kept.clear()
            self._lengths.clear()

    def _forget(self, key: _Key) -> None:
        place, length, _ = key
        self._lengths[place][length] -= 1
        if not self._lengths[place][length]:
            del self._lengths[place][length]
        if not self._lengths[place]:
            del self._lengths[place]


def _digest(text: str) -> bytes:
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()
