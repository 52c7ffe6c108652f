"""A build backend that builds nothing, so that pip downloads a source distribution without running its code.

`pip download` asks a source distribution's build backend for the metadata, in a process of its own: that is
how the package's `setup.py` comes to run. `pip_client` puts a copy of this file first on that process's path
under the name `sitecustomize`, which Python imports at its start. In a hook process, and no other, it takes
the place of whatever backend `pyproject.toml` names, also one inside the package, and answers with the
`PKG-INFO` that every source distribution carries.

Format: PEP 517, https://peps.python.org/pep-0517/; `PKG-INFO` is core metadata, as `METADATA` in a wheel is.
"""

# It runs before everything else in that process, from a folder of its own: the standard library only.
import os
import sys
from email import message_from_bytes
from pathlib import Path
from types import ModuleType

NO_METADATA = "codegem: this source distribution has no PKG-INFO naming its name and version"
# pyproject_hooks since 1.2, and before; pip carries its own copy of either.
_BACKEND = ("_PYPROJECT_HOOKS_BUILD_BACKEND", "PEP517_BUILD_BACKEND")
_BACKEND_PATH = ("_PYPROJECT_HOOKS_BACKEND_PATH", "PEP517_BACKEND_PATH")


def get_requires_for_build_wheel(config_settings: object = None) -> list[str]:
    """Nothing is built, so nothing is needed."""
    return []


def prepare_metadata_for_build_wheel(metadata_directory: str, config_settings: object = None) -> str:
    """Write `NAME-VERSION.dist-info/METADATA` from the working directory's `PKG-INFO`.

    Returns the folder's name; ends the process with NO_METADATA if there is no `PKG-INFO`.
    """
    try:
        content = Path("PKG-INFO").read_bytes()
    except OSError:
        sys.exit(NO_METADATA)
    fields = message_from_bytes(content)
    if not fields["Name"] or not fields["Version"]:
        sys.exit(NO_METADATA)
    # What a folder is called may not climb out of its parent.
    name, version = ("".join(c if c.isalnum() or c in ".+!" else "_" for c in fields[f]) for f in ("Name", "Version"))
    folder = Path(metadata_directory, f"{name}-{version}.dist-info")
    folder.mkdir()
    (folder / "METADATA").write_bytes(content)
    return folder.name


def replace_backend() -> None:
    """Be the backend that this process was told to import; do nothing in a process that runs no hook."""
    named = next((os.environ[name] for name in _BACKEND if name in os.environ), None)
    if named is None:
        return
    for name in _BACKEND_PATH:  # a folder of the package, which would come first on the import path
        os.environ.pop(name, None)
    module, _, inside = named.partition(":")
    backend = ModuleType(module)
    for hook in (get_requires_for_build_wheel, prepare_metadata_for_build_wheel):
        setattr(backend, hook.__name__, hook)
    for part in filter(None, inside.split(".")):  # "setuptools.build_meta:__legacy__" is an object in the module
        setattr(backend, part, backend)
    sys.modules[module] = backend


if __name__ == "sitecustomize":
    replace_backend()
