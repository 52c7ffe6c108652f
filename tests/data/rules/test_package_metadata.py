"""Licences as the files of package managers state them."""

import pytest

from codegem.data.rules.licences import file_licence, is_evidence, repository_licence
from codegem.data.rules.package_metadata import reader_of

MIT = b"Permission is hereby granted, free of charge, to any person obtaining a copy ..."
DEBIAN = """Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/

Files: *
Copyright: 2020 somebody
License: {}

Files: debian/*
License: GPL-2+
"""


@pytest.mark.parametrize(
    ("path", "text", "licence"),
    [
        ("package.json", '{"license": "MIT"}', "MIT"),
        ("package.json", '{"license": "(MIT OR CC0-1.0)"}', "(MIT OR CC0-1.0)"),
        ("package.json", '{"license": {"type": "BSD-3-Clause", "url": "x"}}', "BSD-3-Clause"),
        ("package.json", '{"licenses": [{"type": "MIT"}, {"type": "GPL-2.0"}]}', "MIT OR GPL-3.0-only"),
        ("package.json", '{"license": "SEE LICENSE IN x"}', None),
        ("package.json", '{"license": 7}', None),
        ("package.json", '{"private": true}', None),
        ("package.json", "[1]", None),
        ("package.json", "{", None),
        ("package.json", "[" * 100_000, None),
        ("Cargo.toml", '[package]\nlicense = "MIT OR Apache-2.0"\n', "MIT OR Apache-2.0"),
        ("Cargo.toml", '[package]\nlicense = "MIT/Apache-2.0"\n', "MIT OR Apache-2.0"),
        ("Cargo.toml", '[package]\nlicense.workspace = true\n[workspace.package]\nlicense = "ISC"\n', "ISC"),
        ("Cargo.toml", "[package]\nlicense-file = 'x'\n", None),
        ("Cargo.toml", "package = " + "[" * 100_000, None),
        ("Cargo.toml", "package = " + "9" * 10_000, None),
        ("pom.xml", "<licenses><license><name>Apache License, Version 2.0</name></license></licenses>", "Apache-2.0"),
        (
            "pom.xml",
            "<licenses>\n<license><name>MIT License</name></license><license><name>GPL2</name></license></licenses>",
            "MIT OR GPL-3.0-only",
        ),
        ("pom.xml", "<project><name>MIT</name></project>", None),
        ("One.nuspec", '<license type="expression">MIT</license>', "MIT"),
        ("One.nuspec", '<license type="file">x</license>', None),
        ("debian/copyright", DEBIAN.format("Expat"), "MIT"),
        ("debian/copyright", DEBIAN.format("GPL-2+"), "GPL-3.0-only"),
        ("debian/copyright", "This is prose.", None),
    ],
)
def test_each_manager_has_its_way_to_state_a_licence(path: str, text: str, licence: str | None):
    assert is_evidence(path, 1000)
    assert repository_licence({path: text.encode()}) == licence


def test_what_stands_at_the_top_speaks_before_the_licence_file_and_that_before_what_lies_deeper():
    npm, isc = b'{"license": "Apache-2.0"}', b'{"license": "ISC"}'
    assert repository_licence({"package.json": npm, "LICENSE": MIT}) == "Apache-2.0"
    assert repository_licence({"examples/one/package.json": isc, "LICENSE": MIT}) == "MIT"
    assert repository_licence({"examples/one/package.json": isc}) == "ISC"
    assert repository_licence({"PKG-INFO": b"License: MIT\n", "package.json": isc}) == "MIT"


@pytest.mark.parametrize("path", ["copyright.py", "src/license.go", "a/copyright", "licenses.ts"])
def test_source_code_about_licences_is_no_evidence(path: str):
    assert reader_of(path) is None
    assert is_evidence(path, 1000) == (path == "a/copyright")


@pytest.mark.parametrize(
    ("text", "licence"),
    [
        (
            "/*\n * under the terms of the GNU General\n * Public License as published by ...\n */\nint x;",
            "GPL-3.0-only",
        ),
        ("# This Source Code Form is subject to the terms of the Mozilla Public\n# License, v. 2.0.\n", "MPL-2.0"),
        ("// SPDX-License-Identifier: MIT\n// not the GNU General Public License\n", "MIT"),
        ("/* the public interface of the library */\nint x;\n", None),
        ("x = 1\n" * 1000 + "# GNU General Public License\n", None),
    ],
)
def test_a_copyleft_header_stands_above_the_repositorys_licence(text: str, licence: str | None):
    assert file_licence(text) == licence
