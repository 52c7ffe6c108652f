"""Rust: results are equal by `==` of the standard library's types. A float has 32 bits, a double 64."""

from functools import partial
from typing import Any

from codegem.evaluation.babelcode.compare import matches
from codegem.evaluation.babelcode.languages.language import Calls, Language
from codegem.evaluation.babelcode.schema import REAL, Type

# What BabelCode's programs bring into scope for a candidate.
_HEADER = """\
#![allow(warnings)]
use std::collections::HashMap;
use std::collections::HashSet;
use std::cmp::*;
use std::collections::*;
use std::fmt::*;
"""
# Whole paths, as a candidate may define names of its own.
_DRIVER = """
mod shown_NONCE {
    use ::std::collections::{HashMap, HashSet};
    use ::std::format;
    use ::std::string::{String, ToString};
    use ::std::vec::Vec;

    pub trait Show {
        fn show(&self) -> String;
    }

    fn text(value: &str) -> String {
        let mut out = String::from("\\"");
        for unit in value.encode_utf16() {
            match unit {
                34 => out.push_str("\\\\\\""),
                92 => out.push_str("\\\\\\\\"),
                32..=126 => out.push(unit as u8 as char),
                _ => out.push_str(&format!("\\\\u{:04x}", unit)),
            }
        }
        out + "\\""
    }

    macro_rules! whole {
        ($($kind:ty),*) => { $(impl Show for $kind { fn show(&self) -> String { self.to_string() } })* };
    }
    whole!(bool, i32, i64);

    macro_rules! real {
        ($($kind:ty),*) => { $(impl Show for $kind {
            fn show(&self) -> String {
                if self.is_nan() {
                    String::from("NaN")
                } else if self.is_infinite() {
                    String::from(if *self > 0.0 { "Infinity" } else { "-Infinity" })
                } else {
                    format!("{:e}", self)
                }
            }
        })* };
    }
    real!(f32, f64);

    impl Show for char {
        fn show(&self) -> String {
            text(&self.to_string())
        }
    }
    impl Show for String {
        fn show(&self) -> String {
            text(self)
        }
    }
    fn array(parts: Vec<String>) -> String {
        String::from("[") + &parts.join(",") + "]"
    }
    impl<T: Show> Show for Vec<T> {
        fn show(&self) -> String {
            array(self.iter().map(Show::show).collect())
        }
    }
    impl<T: Show> Show for HashSet<T> {
        fn show(&self) -> String {
            array(self.iter().map(Show::show).collect())
        }
    }
    impl<K: Show, V: Show> Show for HashMap<K, V> {
        fn show(&self) -> String {
            array(self.iter().map(|(key, value)| format!("[{},{}]", key.show(), value.show())).collect())
        }
    }

    pub fn run<T: Show, F: FnOnce() -> T>(idx: usize, call: F) {
        use ::std::io::Write;
        let line = match ::std::panic::catch_unwind(::std::panic::AssertUnwindSafe(|| call().show())) {
            Ok(value) => format!("value {}", value),
            Err(said) => {
                let said = match (said.downcast_ref::<&str>(), said.downcast_ref::<String>()) {
                    (Some(words), _) => words.to_string(),
                    (_, Some(words)) => words.to_string(),
                    _ => String::from("no message"),
                };
                let cut: String = said.chars().take(200).collect();
                format!("raised panic: {}", text(&cut).trim_matches('"'))
            }
        };
        let mut out = ::std::io::stdout();
        out.write_all(format!("\\nNONCE {} {}\\n", idx, line).as_bytes()).unwrap();
        out.flush().unwrap();
    }
}
"""
_PRIMITIVES = {
    "boolean": "bool",
    "integer": "i32",
    "long": "i64",
    "float": "f32",
    "double": "f64",
    "character": "char",
    "string": "String",
}
_CONTAINERS = {"list": "Vec", "set": "HashSet", "map": "HashMap"}
_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def program(calls: Calls, candidate: str, nonce: str) -> str:
    """The source of a program that calls a candidate once for each test."""
    lines = []
    for idx, inputs in calls.inputs:
        arguments = ", ".join(literal(kind, each) for kind, each in zip(calls.params, inputs, strict=True))
        call = f"|| -> {type_name(calls.returns)} {{ {calls.function}({arguments}) }}"
        lines.append(f"    shown_{nonce}::run({idx}, {call});\n")
    return f"{_HEADER}\n{candidate}\n{_DRIVER.replace('NONCE', nonce)}\nfn main() {{\n{''.join(lines)}}}\n"


def type_name(kind: Type) -> str:
    """A type in Rust, by whole paths.

    >>> type_name(Type("set", (Type("string"),)))
    '::std::collections::HashSet<::std::string::String>'
    """
    if not kind.parts:
        return "::std::string::String" if kind.kind == "string" else _PRIMITIVES[kind.kind]
    home = "::std::vec" if kind.kind == "list" else "::std::collections"
    return f"{home}::{_CONTAINERS[kind.kind]}<{', '.join(map(type_name, kind.parts))}>"


def literal(kind: Type, data: Any) -> str:
    """A value in Rust's notation.

    >>> literal(Type("list", (Type("float"),)), [1.5])
    '::std::vec::Vec::<f32>::from([1.5f32])'
    """
    if kind.parts:
        if kind.kind == "map":
            items = [f"({literal(kind.parts[0], key)}, {literal(kind.parts[1], each)})" for key, each in data.items()]
        else:
            items = [literal(kind.parts[0], each) for each in data]
        return f"{type_name(kind).replace('<', '::<', 1)}::from([{', '.join(items)}])"
    if kind.kind == "string":
        return f'::std::string::String::from("{_escaped(data)}")'
    if kind.kind == "character":
        return f"'{_escaped(data or chr(0), quote=chr(39))}'"
    if kind.kind == "boolean":
        return "true" if data else "false"
    name = _PRIMITIVES[kind.kind]
    if kind.kind in REAL:
        special = {"inf": f"{name}::INFINITY", "-inf": f"{name}::NEG_INFINITY", "nan": f"{name}::NAN"}
        return special.get(repr(data), f"{data!r}{name}")
    return f"{data}{name}"


def _escaped(text: str, quote: str = '"') -> str:
    escapes = _ESCAPES | {quote: "\\" + quote}
    return "".join(
        escapes.get(each, each) if each in escapes or each.isprintable() else f"\\u{{{ord(each):x}}}" for each in text
    )


LANGUAGE = Language("rust", "Rust", ("\n}",), program, partial(matches, single=True), ("\n}",))
