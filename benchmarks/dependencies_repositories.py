"""The repositories of `dependencies.py`, what is told to the tools about each one, and how to lay them out.

    python benchmarks/dependencies_repositories.py DOWNLOADS REPOSITORIES

They are released sources that no one here wrote. DOWNLOADS holds the archives under the names that the package
clients give them: Python's are source distributions (`pip download --no-deps --no-binary :all: NAME==VERSION`),
JavaScript's and TypeScript's are npm packages that ship their sources (`npm pack --ignore-scripts NAME@VERSION`), and
the others are Debian 12's upstream archives (`apt-get source --download-only NAME`). They are unpacked as
REPOSITORIES/<language>/<name>, and no script of theirs is run.
"""

import sys
import tarfile
from pathlib import Path

# C and C++: the folders with headers, and the macros that the build sets.
C: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "curl_7.88.1": (
        ("include", "lib", "src", "tests/libtest"),
        # What Debian's curl says of itself (`curl -V`).
        (
            "USE_OPENSSL",
            "USE_NGHTTP2",
            "USE_LIBSSH2",
            "USE_LIBPSL",
            "USE_LIBRTMP",
            "USE_OPENLDAP",
            "HAVE_GSSAPI",
            "HAVE_PTHREAD_H",
            "USE_THREADS_POSIX",
            "USE_UNIX_SOCKETS",
            "ENABLE_IPV6",
            "NTLM_WB_ENABLED",
        ),
    ),
    "jansson_2.14": (("src",), ()),
    "libevent_2.1.12-stable": (
        (".", "include", "compat"),
        ("EVENT__HAVE_EPOLL", "EVENT__HAVE_POLL", "EVENT__HAVE_SELECT"),  # as its configure finds on Linux
    ),
    "libyaml_0.2.5": (("include", "src"), ()),
    "lua5.4_5.4.4": (("src",), ()),
    "redis_7.0.15": (
        (
            "src",
            "deps/hiredis",
            "deps/linenoise",
            "deps/lua/src",
            "deps/hdr_histogram",
            "deps/jemalloc/include",
            "deps/jemalloc/test/include",
        ),
        (),
    ),
    "zlib_1.2.13.dfsg": ((".", "contrib/minizip"), ()),
}
CPP: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "fmtlib_9.1.0+ds1": (("include", "test"), ()),
    "leveldb_1.23": ((".", "include"), ("LEVELDB_PLATFORM_POSIX=1",)),
    "libjsoncpp_1.9.5": (("include", "src/lib_json"), ()),
    "re2_20220601+dfsg": ((".", "re2/fuzzing/compiler-rt/include"), ()),
    "snappy_1.1.9": ((".",), ()),
    "tinyxml2_9.0.0+dfsg": ((".",), ()),
    "yaml-cpp_0.7.0+dfsg": (("include", "src", "test"), ()),
}
# C: the folders that build files for other systems add (Android.mk, Makefile.nmake).
ELSEWHERE = {
    "jansson_2.14": ("android",),
    "libevent_2.1.12-stable": ("WIN32-Code", "WIN32-Code/nmake"),
}

# Java: the folder that compiles by itself, for jdeps. JUnit needs an older Hamcrest, Joda-Time a library of its own.
JAVA = {
    "commons-csv_1.9.0": "src/main/java",
    "commons-io_2.11.0": "src/main/java",
    "jsoup_1.15.3": "src/main/java",
    "junit4_4.13.2": "",
    "libcommons-collections4-java_4.2": "src/main/java",
    "libcommons-lang3-java_3.12.0": "src/main/java",
    "libjoda-time-java_2.10.14": "",
}

# TypeScript: what the project's own tsconfig.json says of resolution; the npm packages leave that file out.
COMPILER_OPTIONS: dict[str, dict] = {
    "reduxjs-toolkit-2.14.0": {
        "paths": {
            "@reduxjs/toolkit": ["src/index.ts"],
            "@reduxjs/toolkit/react": ["src/react/index.ts"],
            "@reduxjs/toolkit/query": ["src/query/index.ts"],
            "@reduxjs/toolkit/query/react": ["src/query/react/index.ts"],
            "@internal/*": ["src/*"],
        }
    },
    # Its tsconfig.json asks for the condition "@zod/source" of package.json, which madge does not pass on.
    "zod-4.6.7": {"paths": {"zod": ["src/index.ts"], "zod/*": ["src/*"]}},
}

NAMES: dict[str, tuple[str, ...]] = {
    "python": (
        "celery-5.6.3",
        "dnspython-2.8.0",
        "flask-3.1.3",
        "graphql_core-3.2.13",
        "jinja2-3.1.6",
        "networkx-3.6.1",
        "pypdf-6.19.0",
        "rich-15.0.0",
    ),
    "javascript": (
        "eslint-10.15.0",
        "handlebars-4.7.10",
        "lodash-es-4.18.1",
        "luxon-3.7.2",
        "mocha-12.0.3",
        "webpack-5.112.2",
    ),
    "typescript": (
        "ajv-8.20.0",
        "immer-11.2.10",
        "redux-5.0.1",
        "reduxjs-toolkit-2.14.0",
        "rxjs-7.8.2",
        "tanstack-query-core-5.108.0",
        "zod-4.6.7",
    ),
    "go": ("afero_1.9.3", "cobra_1.6.1", "gin_1.8.1", "goldmark_1.5.4", "logrus_1.9.0", "testify_1.8.1"),
    "c": (
        "jansson_2.14",
        "libevent_2.1.12-stable",
        "libyaml_0.2.5",
        "lua5.4_5.4.4",
        "redis_7.0.15",
        "zlib_1.2.13.dfsg",
    ),
    "cpp": ("fmtlib_9.1.0+ds1", "leveldb_1.23", "libjsoncpp_1.9.5", "re2_20220601+dfsg", "yaml-cpp_0.7.0+dfsg"),
    "java": (
        "commons-csv_1.9.0",
        "commons-io_2.11.0",
        "jsoup_1.15.3",
        "junit4_4.13.2",
        "libcommons-lang3-java_3.12.0",
    ),
}
# Fetched and measured after the rules had been settled on those above.
UNSEEN: dict[str, tuple[str, ...]] = {
    "python": ("black-26.5.1", "mypy-2.4.0", "sqlalchemy-2.1.1", "trio-0.34.0", "werkzeug-3.1.9"),
    "javascript": ("fastify-5.12.8", "ramda-0.32.0"),
    "typescript": ("effect-4.1.0", "trpc-server-11.25.2"),
    "go": ("golang-github-gorilla-mux_1.8.0", "golang-github-spf13-viper_1.10.1"),
    "c": ("curl_7.88.1",),
    "cpp": ("snappy_1.1.9", "tinyxml2_9.0.0+dfsg"),
    "java": ("libcommons-collections4-java_4.2", "libjoda-time-java_2.10.14"),
}

# Compiled copies that an npm package ships beside its sources, and that its repository does not hold.
COMPILED = {
    "ajv-8.20.0": {"dist"},
    "handlebars-4.7.10": {"dist"},
    "immer-11.2.10": {"dist"},
    "luxon-3.7.2": {"build"},
    "mocha-12.0.3": {"mocha.js", "mocha.js.map"},
    "redux-5.0.1": {"dist"},
    "reduxjs-toolkit-2.14.0": {"dist", "query", "react"},
    "rxjs-7.8.2": {"dist", "ajax", "fetch", "operators", "testing", "webSocket"},
    "tanstack-query-core-5.108.0": {"build"},
}
KEPT = {  # where the rest of the package is compiled
    "effect-4.1.0": {"src", "package.json", "README.md", "LICENSE"},
    "ramda-0.32.0": {"src", "package.json", "README.md", "LICENSE.txt"},
    "trpc-server-11.25.2": {"src", "package.json", "README.md", "LICENSE"},
    "zod-4.6.7": {"src", "package.json", "README.md", "LICENSE"},
}


def unpack(downloads: Path, repositories: Path) -> None:
    """Lay out every repository whose archive is somewhere under `downloads`, without the archive's first folder."""
    for language in NAMES:
        for name in (*NAMES[language], *UNSEEN[language]):
            endings = (f"{name}.tar.gz", f"{name}.tgz", f"*{name}.orig.tar.*")
            archive = next((path for ending in endings for path in sorted(downloads.rglob(ending))), None)
            if archive is None:
                print(f"{language}/{name}: no archive")
                continue
            with tarfile.open(archive) as opened:
                for member in opened.getmembers():
                    parts = Path(member.name.removeprefix("./")).parts[1:]
                    if member.isfile() and parts and _is_source(name, parts[0]):
                        member.name = "/".join(parts)
                        opened.extract(member, repositories / language / name, filter="data")


def _is_source(name: str, first: str) -> bool:
    return first in KEPT[name] if name in KEPT else first not in COMPILED.get(name, ())


if __name__ == "__main__":
    unpack(Path(sys.argv[1]), Path(sys.argv[2]))
