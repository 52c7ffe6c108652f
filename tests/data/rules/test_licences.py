"""Licences as people write them."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from codegem.data.rules.licence_names import recognise_text
from codegem.data.rules.licences import file_licence, is_evidence, is_permissive, repository_licence

MIT = b"Permission is hereby granted, free of charge, to any person\nobtaining a copy of this software ..."
BSD3 = b"Redistributions in binary form must reproduce ... Neither the name of the copyright holder ..."


@pytest.mark.parametrize(
    ("expression", "granted"),
    [
        ("MIT", True),
        ("mit", True),
        ("GPL-3.0-only", False),
        ("MIT OR GPL-3.0-only", True),
        ("MIT AND GPL-3.0-only", False),
        ("(MIT AND BSD-3-Clause) OR GPL-2.0-only", True),
        ("MIT AND (GPL-2.0-only OR BSD-3-Clause)", True),
        ("Apache-2.0 WITH LLVM-exception", True),
        ("GPL-2.0-only WITH Classpath-exception-2.0", False),
        ("GPL-2.0-only AND MIT OR GPL-2.0-only AND ISC", False),
        ("LicenseRef-Mine", False),
        ("", False),
        ("(MIT", False),
        ("MIT)", False),
        ("MIT AND", False),
        ("AND", False),
    ],
)
def test_an_expression_is_permissive_where_one_way_through_it_is(expression: str, granted: bool):
    assert is_permissive(expression) is granted


NAMES = st.sampled_from([("MIT", True), ("GPL-2.0-only", False), ("Apache-2.0 WITH LLVM-exception", True)])


def both(parts: list[tuple[str, bool]]) -> tuple[str, bool]:
    return " AND ".join(text for text, _ in parts), all(granted for _, granted in parts)


def either(parts: list[tuple[str, bool]]) -> tuple[str, bool]:
    return f"({' OR '.join(text for text, _ in parts)})", any(granted for _, granted in parts)


EXPRESSIONS = st.recursive(
    NAMES,
    lambda inner: (
        st.lists(inner, min_size=1, max_size=3).map(either) | st.lists(inner, min_size=1, max_size=3).map(both)
    ),
    max_leaves=8,
)


@given(st.lists(EXPRESSIONS, min_size=1, max_size=3))
def test_and_binds_more_tightly_than_or(parts: list[tuple[str, bool]]):
    expression = " OR ".join(text for text, _ in parts)
    assume(len(expression) < 400)
    assert is_permissive(expression) is any(granted for _, granted in parts)


@given(st.lists(st.sampled_from(["MIT", "X", "AND", "OR", "WITH", "(", ")"]), max_size=8).map(" ".join))
def test_an_expression_that_is_none_is_refused_and_never_an_error(expression: str):
    assert is_permissive(expression) in (True, False)
    assert not is_permissive(f"{expression} OR") and not is_permissive(f"({expression}")


@pytest.mark.parametrize(
    ("metadata", "licence"),
    [
        ("License-Expression: MIT AND BSD-3-Clause\nLicense: GPL\n", "MIT AND BSD-3-Clause"),
        ("License: BSD-3-Clause\n", "BSD-3-Clause"),
        ("License: Apache License, Version 2.0\n", "Apache-2.0"),
        ("License: 2-clause BSD\n", "BSD-2-Clause"),
        ("License: GNU General Public License v3\n", "GPL-3.0-only"),
        ("License: LGPL\nClassifier: License :: OSI Approved :: MIT License\n", "LGPL-3.0-only"),
        ("Classifier: License :: OSI Approved :: MIT License\n", "MIT"),
        ("Classifier: License :: OSI Approved :: ISC License (ISCL)\n", "ISC"),
        ("Classifier: Topic :: Utilities\n", None),
        (
            "Classifier: License :: OSI Approved :: MIT License\n"
            "Classifier: License :: OSI Approved :: Apache Software License\n",
            "Apache-2.0 OR MIT",
        ),
        ("License: The licence\n        " + MIT.decode().replace("\n", "\n        ") + "\n", "MIT"),
        ("License: Copyright 2020 somebody\n", None),
    ],
)
def test_package_metadata_states_the_licence(metadata: str, licence: str | None):
    text = ("Metadata-Version: 2.4\nName: x\n" + metadata).encode()
    assert repository_licence({"x-1.0.dist-info/METADATA": text}) == licence
    assert repository_licence({"PKG-INFO": text}) == licence


def test_metadata_speaks_before_the_licence_file_and_the_nearest_file_first():
    gpl = b"GNU GENERAL PUBLIC LICENSE Version 3"
    assert repository_licence({"LICENSE": gpl, "x.dist-info/METADATA": b"License-Expression: MIT\n"}) == "MIT"
    assert repository_licence({"LICENSE": MIT, "doc/LICENSE": gpl}) == "MIT"
    assert repository_licence({"LICENSE": gpl, "doc/LICENSE": MIT}) == "GPL-3.0-only"


@pytest.mark.parametrize(
    ("text", "licence"),
    [
        (b'[project]\nlicense = "MIT"\n', "MIT"),
        (b'[project]\nlicense = {text = "BSD"}\n', "BSD-3-Clause"),
        (b'[project]\nlicense = {file = "LICENSE"}\n', None),
        (b"[project]\nlicense = 3\n", None),
        (b"project = 3\n", None),
        (b"not [ toml", None),
    ],
)
def test_a_pyproject_states_the_licence(text: bytes, licence: str | None):
    assert repository_licence({"pyproject.toml": text}) == licence


def test_a_licence_file_is_recognised_by_its_words():
    assert repository_licence({"LICENSE.txt": MIT}) == "MIT"
    assert repository_licence({"COPYING": BSD3}) == "BSD-3-Clause"
    assert repository_licence({"LICENSE": b"All rights reserved."}) is None
    assert repository_licence({"LICENSE": b"\xff\xfe"}) is None
    assert repository_licence({}) is None
    assert recognise_text("This is not the GNU\n   General  Public License, or is it") == "GPL-3.0-only"


def test_a_file_states_its_own_licence():
    assert file_licence("#!/usr/bin/python\n# SPDX-License-Identifier: GPL-2.0-only\nx = 1\n") == "GPL-2.0-only"
    assert file_licence("x = 1\n" * 1000 + "# SPDX-License-Identifier: MIT") is None


@pytest.mark.parametrize(
    ("path", "evidence"),
    [
        ("LICENSE", True),
        ("pkg-1.0/LICENCE.md", True),
        ("x.dist-info/licenses/COPYING", True),
        ("pyproject.toml", True),
        ("my_metadata", False),
        ("package.json", True),
        ("crates/one/Cargo.toml", True),
        ("debian/copyright", True),
        ("src/licensed/app.py", False),
        ("a/b/c/d/LICENSE", False),
    ],
)
def test_evidence_lies_near_the_top(path: str, evidence: bool):
    assert is_evidence(path, 1000) is evidence
    assert not is_evidence(path, 10 << 20)
