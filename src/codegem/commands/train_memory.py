"""`codegem train memory`."""

from typing import TYPE_CHECKING, Annotated

import tyro

from codegem.commands.arguments import parse, print_json
from codegem.errors import UsageError

if TYPE_CHECKING:
    from codegem.train.memory import Compiled, Memory
    from codegem.train.recipe import TrainRecipe

_GIB = 2**30


def train_memory(words: list[str]) -> None:
    """`codegem train memory`."""
    from codegem.recipes import find

    if words and not words[0].startswith("-"):
        name, words = words[0], words[1:]
    elif set(words) & {"-h", "--help"}:
        name = "codegemma-2b"
    else:
        raise UsageError("Name a recipe: codegem train memory codegemma-2b --mesh.fsdp 16.")
    from codegem.train.recipe import TrainRecipe

    default = find(name).train

    def run(
        length: int | None = None,
        compile: bool = False,
        topology: str | None = None,
        json: bool = False,
        recipe: Annotated[TrainRecipe, tyro.conf.arg(name="")] = default,
    ) -> None:
        """The memory of each device that a recipe needs: codegem train memory codegemma-7b --mesh.fsdp 64

        Args:
            length: tokens of a row; default the context that the model is made for.
            compile: let XLA compile the step for as many simulated CPU devices, and print what it plans. It takes
                minutes for a model of billions of parameters, and no array is made.
            topology: the same with the compiler for a TPU slice, such as v5e:4x4, which need not be there;
                needs libtpu.
            json: print the table for programs.
            recipe: any field can be set, as in --mesh.tensor 4 or --remat blocks.
        """
        from codegem.train.memory import worked_out

        planned = _compiled(recipe, topology, length) if compile or topology else None
        memory = worked_out(recipe, length)
        if json:
            parts = [vars(part) for part in memory.parts]
            print_json({"parts": parts, "total": memory.total, "compiled": vars(planned) if planned else None})
        else:
            _tell(name, recipe, memory, planned, length)

    parse(run, f"train memory {name}", words)


def _compiled(recipe: "TrainRecipe", topology: str | None, length: int | None) -> "Compiled":
    from codegem.train.memory import compiled, cpu_devices, tpu_devices

    if topology is not None:
        return compiled(recipe, tpu_devices(topology), "tpu", length)
    return compiled(recipe, cpu_devices(recipe.mesh.devices), "cpu", length)


def _tell(name: str, recipe: "TrainRecipe", memory: "Memory", planned: "Compiled | None", length: int | None) -> None:
    mesh, model = recipe.mesh, recipe.model
    print(
        f"{name}: {model.parameters:,} parameters on {mesh.data} (data) x {mesh.fsdp} (fsdp) x {mesh.tensor} (tensor) "
        f"devices; each computes {recipe.micro_batch} x {length or model.context_length:,} tokens at once\n"
    )
    for part in memory.parts:
        print(f"  {part.name:<28}{part.bytes / _GIB:>9.2f} GiB   {part.how}")
    print(f"  {'each device, worked out':<28}{memory.total / _GIB:>9.2f} GiB")
    if planned is not None:
        apart = planned.total / memory.total - 1
        print(f"  {'as XLA plans it':<28}{planned.total / _GIB:>9.2f} GiB   {apart:+.0%}")
        print(f"  {'  state and batch':<28}{planned.arguments / _GIB:>9.2f} GiB")
        print(f"  {'  temporary':<28}{planned.temporary / _GIB:>9.2f} GiB")
        print(f"  {'  in use at the peak':<28}{planned.peak / _GIB:>9.2f} GiB")
    print("\nThe fewest devices with this data and tensor (worked out, nine tenths of the memory in use):")
    for line in _fits(recipe, length):
        print(f"  {line}")


def _fits(recipe: "TrainRecipe", length: int | None) -> list[str]:
    from codegem.train.memory import DEVICES, smallest

    lines = []
    for device, size in DEVICES.items():
        found = smallest(recipe, size, length)
        what = (
            "does not fit" if found is None else f"{found[0].devices:>4} of them, {found[1].total / _GIB:.1f} GiB each"
        )
        lines.append(f"{device:<16}{size:>4} GB  {what}")
    return lines
