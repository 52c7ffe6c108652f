from codegem.assist.edits import Ring

TEXT = "".join(f"line_{number} = value_{number}\n" for number in range(100))


def test_lines_around_a_line() -> None:
    ring = Ring(lines=4)
    for line, first in ((0, "line_0 "), (50, "line_48 "), (99, "line_97 ")):
        ring.pick(f"{line}.py", TEXT, line)
        assert ring.others("")[-1].text.startswith(first)
        assert ring.others("")[-1].text.count("\n") <= 4


def test_the_oldest_goes_and_the_newest_stands_last() -> None:
    ring = Ring(size=3)
    for name in "abcd":
        ring.pick(name, f"only_{name} = 1\n", 0)
    assert [each.path for each in ring.others("")] == ["b", "c", "d"]
    assert [each.path for each in ring.others("c")] == ["b", "d"]


def test_what_is_picked_again_moves_to_the_end() -> None:
    ring = Ring(lines=10)
    ring.pick("a", TEXT, 20)
    ring.pick("b", "other = 1\n", 0)
    ring.pick("a", TEXT, 24)  # it overlaps
    ring.pick("a", TEXT, 80)
    assert [(each.path, each.first) for each in ring.others("")] == [("b", 0), ("a", 19), ("a", 75)]
    ring.pick("copy", "other = 1\n# \n", 0)
    assert [each.path for each in ring.others("")] == ["a", "a", "copy"]


def test_blank_lines_are_nothing() -> None:
    ring = Ring()
    ring.pick("a", "\n \n", 1)
    ring.pick("b", "", 5)
    assert ring.others("") == []
