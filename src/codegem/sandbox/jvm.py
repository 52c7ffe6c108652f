"""Java and Kotlin: many programs are compiled in one virtual machine, whose start takes longer than a program.

`CompileMany.java` compiles them, each for itself, so that one that does not compile does not spoil the others. Class
data sharing (JEP 350: an archive of loaded classes) makes these machines start fast; both are made once.
"""

import os
import re
import zipfile
from collections.abc import Sequence
from importlib import resources
from pathlib import Path

from codegem.sandbox import warm
from codegem.sandbox.toolchain import Toolchain, ask, outside, program

PER_CALL = ("{seconds}", "{count}")  # words of the build command that a call fills in
# All that runs here is too short for the optimizing compiler.
_MACHINE = ("-XX:+UseSerialGC", "-XX:-UsePerfData", "-XX:TieredStopAtLevel=1", "-Xshare:auto")
_COMPILING = (*_MACHINE, "-Xmx1g", "-Dkotlin.environment.keepalive=true")  # Kotlin's keeps what it read of the library
_INLINE = "-XDstringConcat=inline"  # the first `+` of strings takes 20 ms less than with invokedynamic
_TRAINING = 2  # programs that the machine compiles while its classes are written down
_JAVA = """import java.util.*;
import java.util.stream.*;

public class Main {
    public static void main(String[] arguments) {
        Map<String, List<Integer>> seen = new TreeMap<>();
        for (int i = 0; i < 9; i++) seen.computeIfAbsent("k" + i % 3, k -> new ArrayList<>()).add(i);
        String all = seen.entrySet().stream().map(e -> e.getKey() + e.getValue()).collect(Collectors.joining(","));
        System.out.println(all.isEmpty() ? "empty" : "well");
    }
}
"""
_KOTLIN = """import java.util.*

data class Seen(val name: String, val many: List<Int>)

fun main() {
    val seen = (0 until 9).groupBy { "k${it % 3}" }.map { (name, many) -> Seen(name, many.sorted()) }
    val all = seen.joinToString(",", "[", "]") { it.name + it.many.fold(0) { sum, one -> sum + one } }
    println(if (all.isEmpty()) "empty" else "well")
}
"""


def java() -> Toolchain:
    """The JDK's compiler. Annotation processors, which would be code that runs while compiling, are off."""
    machine = _java()
    options = ("-proc:none", "-nowarn", "-implicit:none", "-sourcepath", "/nowhere", "-encoding", "UTF-8", _INLINE)
    version = _version(machine)
    start = _compiler(machine, "java", "Main.java", _JAVA, (), options)
    return Toolchain(
        "java",
        f"OpenJDK {version}",
        "Main.java",
        (str(machine), *_MACHINE, "-cp", "main.jar", "Main"),
        _shown(machine),
        heap="-Xmx{}m",
        probe=_JAVA,
        build=((*start, "java", "Main.java", *PER_CALL, *options),),
        built="main.jar",
        tools=(*_shown(machine), warm.cache()),
        batch=24,
    )


def kotlin() -> Toolchain:
    """Kotlin's compiler, without its start script, plugins and reflection."""
    machine, home = _java(), kotlin_home()
    assert home
    library, compiler = home / "lib" / "kotlin-stdlib.jar", home / "lib" / "kotlin-compiler.jar"
    number = (home / "build.txt").read_text().strip() if (home / "build.txt").is_file() else "of an unknown version"
    version = f"{number.removesuffix('-release').partition('-release')[0]}, OpenJDK {_version(machine)}"
    options = ("-no-stdlib", "-no-reflect", "-nowarn", "-cp", str(library), "-kotlin-home", str(home))
    start = _compiler(machine, "kotlin", "Main.kt", _KOTLIN, (compiler,), options)
    return Toolchain(
        "kotlin",
        f"Kotlin {version}",
        "Main.kt",
        (str(machine), *_MACHINE, "-cp", f"{library}:main.jar", "MainKt"),
        (*_shown(machine), library),
        heap="-Xmx{}m",
        probe=_KOTLIN,
        build=((*start, "kotlin", "Main.kt", *PER_CALL, *options),),
        built="main.jar",
        tools=(*_shown(machine), home, warm.cache()),
        batch=24,
    )


def kotlin_home() -> Path | None:
    """Where Kotlin's compiler is installed: $CODEGEM_KOTLIN, the kotlinc on the PATH, or the user's cache."""
    script = program("kotlinc")
    cached = warm.cache() / "kotlin-compiler"
    places = [os.environ.get("CODEGEM_KOTLIN"), script and script.parent.parent, cached, cached / "package"]
    for place in filter(None, places):
        home = Path(place).absolute()
        if (home / "lib" / "kotlin-compiler.jar").is_file():
            return home
    return None


def _java() -> Path:
    compiler = program("javac")
    assert compiler
    return compiler.with_name("java")


def _version(machine: Path) -> str:
    found = re.search(r"(\d\S*)", ask(machine, "--version"))
    return found[1] if found else "of an unknown version"


def _shown(machine: Path) -> tuple[Path, ...]:
    """What lies outside /usr: the machine itself, or the settings that its folder links to."""
    home = machine.parent.parent
    links = {
        Path(os.path.realpath(path)) for top in ("conf", "lib") for path in (home / top).rglob("*") if path.is_symlink()
    }
    away = {Path(*path.parts[:3]) for path in links if path.exists() and path.parts[1] == "etc"}
    return (*outside(machine), *sorted(away))


def _compiler(
    machine: Path, language: str, file: str, training: str, jars: Sequence[Path], options: Sequence[str]
) -> tuple[str, ...]:
    """The command that starts `CompileMany`, as far as its class."""
    source = resources.files("codegem.sandbox").joinpath("CompileMany.java").read_text("utf-8")
    own = warm.folder("many", (ask(machine, "--version"), source), lambda made, _: _compile(machine, source, made))
    words = (*_COMPILING, "-cp", ":".join(map(str, (own / "many.jar", *jars))), "CompileMany")
    stamps = tuple(f"{jar} {jar.stat().st_size} {jar.stat().st_mtime_ns}" for jar in jars)

    def archive(made: Path, _: Path) -> None:
        for number in range(_TRAINING):
            (made / str(number)).mkdir()
            (made / str(number) / file).write_text(training)
        call = (language, file, "600", str(_TRAINING), *options)
        ask(machine, f"-XX:ArchiveClassesAtExit={made / 'classes.jsa'}", *words, *call, folder=made)

    shared = warm.folder(language, (str(own), *stamps, training, *words, *options), archive)
    return (str(machine), f"-XX:SharedArchiveFile={shared / 'classes.jsa'}", *words)


def _compile(machine: Path, source: str, folder: Path) -> None:
    (folder / "CompileMany.java").write_text(source)
    ask(machine.with_name("javac"), "-d", folder / "classes", folder / "CompileMany.java")
    with zipfile.ZipFile(folder / "many.jar", "w") as jar:
        for path in sorted((folder / "classes").iterdir()):
            jar.write(path, path.name)
