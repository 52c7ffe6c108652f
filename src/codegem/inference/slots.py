"""A slot for the next prompt: one that was kept, a copy of one, or a new one."""

from collections.abc import Sequence

from codegem.inference.prefix_cache import PrefixCache, Slot
from codegem.inference.programs import Arrays, Programs


def slot_for(
    programs: Programs, kept: PrefixCache[Arrays], prompt: Sequence[int], capacity: int, least: int = 1
) -> Slot[Arrays]:
    """A slot of at least `capacity` that holds as much of the prompt as is at hand; it belongs to the caller.

    Args:
        least: tokens in common from which on a beginning is copied. Copying waits for whatever still writes it.
    """
    size = programs.size(capacity)
    found = kept.find(prompt)
    if found and found.taken and found.slot.capacity >= capacity:
        slot = found.slot
        del slot.tokens[found.common :]
    elif found and (found.taken or found.common >= least):
        kept.make_room(size)
        arrays = programs.cache(capacity, old=found.slot.arrays, kept=found.common)
        slot = Slot(arrays, capacity, size, list(prompt[: found.common]))
    elif recycled := kept.recycle(size):
        slot = Slot(recycled.arrays, capacity, size)
    else:
        kept.make_room(size)
        slot = Slot(programs.cache(capacity), capacity, size)
    slot.prompt_length = len(prompt)
    return slot
