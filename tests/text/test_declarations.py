"""What ten languages offer to other files, golden."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codegem.text.declarations import signatures
from codegem.text.signatures import offered, render

CASES = {
    "a.py": (
        '''\
import os
from typing import Any

LIMIT = 3
_hidden = 4
TABLE = {
    "a": 1, "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb": 2, "cccccccccccccccccccccccccccccccccccccccccccccc": 3,
    "d": 4,
}


class Money(Base):
    r"""An amount.

    More of it.
    """

    cents: int = 0

    def _secret(self): ...

    def __init__(self, cents: int):
        self.cents = cents

    @property
    def whole(self) -> int:
        return self.cents // 100

    def __eq__(self, other): ...


async def total(
    prices: list[Money],  # of one shop
    tax: float = 0.0,
) -> Money:
    """The sum."""
    return sum(prices)


print(LIMIT)
''',
        '''\
LIMIT = 3
TABLE = ...
class Money(Base):
    """An amount."""
    cents: int = 0
    def __init__(self, cents: int): ...
    @property
    def whole(self) -> int: ...
    def _secret(self): ...
async def total(prices: list[Money], tax: float = 0.0) -> Money:
    """The sum."""
''',
    ),
    "a.js": (
        """\
const fs = require("fs");
/**
 * Adds.
 */
export function add(a, b) {
  return a + b;
}
export const twice = (a) => {
  return 2 * a;
};
export default class Shop extends Base {
  constructor(name) { super(); }
  static open(at) { return at; }
  #secret = 1;
}
exports.foo = function (a) { return a; };
""",
        """\
// Adds.
export function add(a, b);
export const twice = (a);
export default class Shop extends Base {
    constructor(name);
    static open(at);
}
exports.foo = function (a);
""",
    ),
    "a.ts": (
        """\
export interface Item { name: string; price(tax: number): number }
export type Id = string | number;
enum Colour { Red, Blue }
export abstract class Shop<T> implements Seller {
  private count = 1;
  readonly name: string;
  get size(): number { return 1; }
  abstract sell(item: Item): void;
}
export namespace Inner { export function f(a: number): string { return ""; } }
""",
        """\
export interface Item {
    name: string;
    price(tax: number): number;
}
export type Id = string | number;
enum Colour { Red, Blue }
export abstract class Shop<T> implements Seller {
    readonly name: string;
    get size(): number;
    abstract sell(item: Item): void;
}
export function f(a: number): string;
""",
    ),
    "A.java": (
        """\
package a.b;
import c.D;
/** Sells. */
public class Shop extends Base {
  private int count = 1;
  public static final int MOST = 2;
  Shop(String name) { super(name); }
  /** Of all. */
  @Override
  public int total(List<Item> items) throws Closed { return 1; }
  enum Colour { RED, BLUE }
}
record Pair(int a, int b) {}
""",
        """\
// Sells.
public class Shop extends Base {
    public static final int MOST = 2;
    Shop(String name);
    // Of all.
    @Override public int total(List<Item> items) throws Closed;
    enum Colour { RED, BLUE }
}
record Pair(int a, int b);
""",
    ),
    "a.kt": (
        """\
package a.b

import c.D

/** Sells. */
class Shop(val name: String) : Base() {
    private val count = 1
    val size: Int = 2

    fun total(items: List<Item>): Int {
        return 1
    }

    companion object {
        fun open() = Shop("a")
    }
}

const val MOST = 3

fun String.twice(): String = this + this
""",
        """\
// Sells.
class Shop(val name: String) : Base() {
    val size: Int = 2
    fun total(items: List<Item>): Int
    companion object {
        fun open()
    }
}
const val MOST = 3
fun String.twice(): String
""",
    ),
    "a.go": (
        """\
package shop

import "fmt"

// Most of all.
const Most = 3

const (
	Red = iota
	Blue
)

type Item struct {
	Name string // of it
	price int
}

type Seller interface {
	Sell(item Item) error
}

// Total adds.
func (s *Shop) Total(
	items []Item,
	tax float64,
) (int, error) {
	return 0, nil
}

func hidden() {}
""",
        """\
// Most of all.
const Most = 3
const (Red = iota; Blue)
type Item struct { Name string; price int }
type Seller interface { Sell(item Item) error }
// Total adds.
func (s *Shop) Total(items []Item, tax float64) (int, error)
""",
    ),
    "a.rs": (
        """\
use crate::b::C;
/// Sells.
#[derive(Clone)]
pub struct Shop { pub name: String, count: usize }
pub enum Colour { Red, Blue(u8) }
impl Shop {
    /// Opens.
    pub fn open(name: &str) -> Self { Shop { name: name.into(), count: 0 } }
    fn hidden(&self) {}
}
impl Seller for Shop { fn sell(&self) {} }
impl Shop { fn hidden_too(&self) {} }
pub trait Seller { fn sell(&self); fn twice(&self) { self.sell() } }
pub const MOST: usize = 3;
pub mod inner { pub fn f() {} }
fn hidden() {}
""",
        """\
// Sells.
pub struct Shop { pub name: String, count: usize }
pub enum Colour { Red, Blue(u8) }
impl Shop {
    // Opens.
    pub fn open(name: &str) -> Self;
}
impl Seller for Shop;
pub trait Seller {
    fn sell(&self);
    fn twice(&self);
}
pub const MOST: usize = 3;
pub fn f();
""",
    ),
    "a.h": (
        """\
#ifndef A_H
#define A_H
#include <stdio.h>
#define MOST 3
#define TWICE(a) ((a) + (a))
extern "C" {
/* Adds. */
int add(int a, char *b);
}
typedef struct { int x; } Point;
enum Colour { RED, BLUE };
static inline int one(int a) { return a; }
namespace shop {
template <typename T> class Shop : public Base {
 public:
  Shop(int a) : a_(a) {}
  virtual int total(int x) const { return 1; }
 private:
  int a_;
};
}
#endif
""",
        """\
#define MOST 3
#define TWICE(a) ((a) + (a))
// Adds.
int add(int a, char *b);
typedef struct { int x; } Point;
enum Colour { RED, BLUE }
static inline int one(int a);
template <typename T> class Shop : public Base {
    Shop(int a);
    virtual int total(int x) const;
}
""",
    ),
    "a.c": (
        """\
#include "a.h"
static int one(int a)
{
  return a;
}
int most = 3;
struct item { int a; };
""",
        """\
static int one(int a);
int most = 3;
struct item {
    int a;
}
""",
    ),
    "A.cs": (
        """\
using System;
namespace Shop.Inner {
/// <summary>Sells.</summary>
public class Shop : Base {
  private int count = 1;
  public const int Most = 2;
  public int Size { get; set; }
  public int Total(int a) { return a; }
  public int Twice(int a) => 2 * a;
  public Shop(int a) : base(a) { }
}
record Pair(int A);
}
""",
        """\
// Sells.
public class Shop : Base {
    public const int Most = 2;
    public int Size { get; set; }
    public int Total(int a);
    public int Twice(int a);
    public Shop(int a);
}
record Pair(int A);
""",
    ),
}


@pytest.mark.parametrize("path", CASES)
def test_bodies_are_left_out(path: str) -> None:
    text, expected = CASES[path]
    assert render(offered(signatures(text, path), ()), path) == expected


@pytest.mark.parametrize("path", ["a.md", "a", "a.unknown"])
def test_other_files_declare_nothing(path: str) -> None:
    assert signatures("def f(): ...\n", path) == ()


def test_names_and_members() -> None:
    text, _ = CASES["a.py"]
    found = {each.name: [member.name for member in each.members] for each in signatures(text, "a.py")}
    assert found == {
        "LIMIT": [],
        "TABLE": [],
        "_hidden": [],
        "Money": ["cents", "__init__", "whole", "_secret"],
        "total": [],
    }


@given(
    st.sampled_from(list(CASES)),
    st.lists(
        st.sampled_from(["class A", "def f(", "{", "}", "(", ")", ":", "\n", "    ", "=", "é", "x", '"', "fun ", "@"])
    ),
)
def test_broken_text_gives_whole_lines(path: str, parts: list[str]) -> None:
    shown = render(signatures("".join(parts), path), path)
    assert shown == "" or shown.endswith("\n")
    assert "\r" not in shown


def test_there_is_an_end_to_what_is_read() -> None:
    assert len(signatures("a = 1\n" * 5000, "a.py")) == 1000
    assert signatures("namespace a {" * 3000, "a.cc") == ()
