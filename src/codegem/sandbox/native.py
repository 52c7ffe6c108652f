"""Languages whose compiler makes one file of a program: C++, C#, Go, Rust."""

import platform
import re
from pathlib import Path

from codegem.sandbox import warm
from codegem.sandbox.toolchain import Toolchain, ask, outside, program

_CPP_OPTIONS = ("-std=gnu++17", "-w")  # a plain build: optimizing takes longer, and makes other programs of wrong ones
_HEADER = "bits/stdc++.h"  # all standard headers
_LIBRARIES = ("System.Web.dll", "System.Web.Extensions.dll", "System.Numerics.dll")


def cpp() -> Toolchain:
    """GCC. Its standard headers, compiled beforehand, make a build three times as fast."""
    compiler = _there("g++")
    version = f"g++ {ask(compiler, '-dumpfullversion')}"
    headers = warm.folder(
        "cpp", (version, platform.machine(), *_CPP_OPTIONS), lambda made, _: _precompile(compiler, made)
    )
    build = (str(compiler), *_CPP_OPTIONS, "-I", str(headers), "main.cpp", "-o", "main")
    return Toolchain(
        "cpp",
        version,
        "main.cpp",
        ("./main",),
        probe=f'#include <{_HEADER}>\nint main() {{ std::cout << "well" << std::endl; }}\n',
        build=(build,),
        built="main",
        tools=(*outside(compiler), headers),
    )


def _precompile(compiler: Path, folder: Path) -> None:
    source = folder / "all.h"
    source.write_text(f"#include <{_HEADER}>\n")
    (folder / _HEADER).parent.mkdir()
    ask(compiler, *_CPP_OPTIONS, "-x", "c++-header", source, "-o", folder / f"{_HEADER}.gch")


def csharp() -> Toolchain:
    """Mono, with the assemblies that JSON and large numbers need."""
    mono = _there("mono")
    version = re.search(r"version (\S+)", ask(mono, "--version"))
    # Mono's scripts are no programs of their own: this is the compiler itself.
    compiler = next((mono.parent.parent / "lib" / "mono").glob("4.5/mcs.exe"), None)
    build = (str(mono), str(compiler)) if compiler else (str(_there("mcs")),)
    settings = tuple(path for path in (Path("/etc/mono"),) if path.is_dir())
    shown = (*outside(mono), *settings)
    return Toolchain(
        "csharp",
        f"Mono {version[1] if version else ''}".strip(),
        "main.cs",
        (str(mono), "main.exe"),
        shown,
        probe='class Program { static void Main() { System.Console.WriteLine("well"); } }\n',
        build=((*build, "-nologo", "-warn:0", "-out:main.exe", *(f"-r:{name}" for name in _LIBRARIES), "main.cs"),),
        built="main.exe",
        tools=shown,
    )


def go() -> Toolchain:
    """Go's compiler and linker, without its build command: that would want a cache to write to."""
    tool = _there("go")
    version = ask(tool, "env", "GOVERSION").removeprefix("go")
    programs, root = Path(ask(tool, "env", "GOTOOLDIR")), Path(ask(tool, "env", "GOROOT"))
    packages = warm.folder("go", (version, str(root)), lambda made, final: _standard_packages(tool, made, final))
    listed = ("-importcfg", str(packages / "packages"))
    compile_ = (str(programs / "compile"), *listed, "-p", "main", "-complete", "-o", "main.a", "main.go")
    return Toolchain(
        "go",
        f"Go {version}",
        "main.go",
        ("./main",),
        probe='package main\n\nimport "fmt"\n\nfunc main() { fmt.Println("well") }\n',
        build=(compile_, (str(programs / "link"), *listed, "-s", "-w", "-o", "main", "main.a")),
        built="main",
        tools=(*(() if root.is_relative_to("/usr") else (root,)), packages),
    )


def _standard_packages(tool: Path, folder: Path, final: Path) -> None:
    """Where each package of the standard library lies when compiled; those that lie nowhere are compiled now."""
    own = {"GOCACHE": str(folder / "cache"), "GO111MODULE": "off", "CGO_ENABLED": "0", "GOFLAGS": ""}
    row = "{{if .Export}}packagefile {{.ImportPath}}={{.Export}}{{end}}"
    listed = ask(tool, "list", "-export", "-f", row, "std", environment=own)
    rows = sorted(line for line in listed.splitlines() if line)
    (folder / "packages").write_text("".join(f"{line}\n" for line in rows).replace(str(folder), str(final)))


def rust() -> Toolchain:
    """rustc itself, not rustup's stand-in; a plain build, which looks for overflow and takes half the time."""
    compiler = Path(ask("rustc", "--print", "sysroot")) / "bin" / "rustc"
    options = ("--edition", "2021", "-C", "debuginfo=0", "-C", "strip=symbols", "-A", "warnings")
    return Toolchain(
        "rust",
        "rustc " + ask(compiler, "--version").split()[1],
        "main.rs",
        ("./main",),
        probe='fn main() { println!("well"); }\n',
        build=((str(compiler), *options, "-o", "main", "main.rs"),),
        built="main",
        tools=outside(compiler),
    )


def _there(name: str) -> Path:
    found = program(name)
    assert found, name
    return found
