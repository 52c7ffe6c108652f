// Code to coloured pieces: comments, strings, numbers, keywords and what is defined. A tint for reading, and no parser.

/** @typedef {"plain" | "comment" | "string" | "number" | "keyword" | "name" | "ghost"} Kind */
/** @typedef {[Kind, string]} Piece */

const LARGEST = 100_000; // characters; more take longer than a key may

const C_STRINGS = /"(?:[^"\\\n]|\\.)*"?|'(?:[^'\\\n]|\\.)*'?/;
const C_COMMENTS = /\/\/[^\n]*|\/\*[^]*?(?:\*\/|$)/;
const PYTHON_STRINGS = /[rbfuRBFU]{0,2}(?:"""[^]*?(?:"""|$)|'''[^]*?(?:'''|$)|"(?:[^"\\\n]|\\.)*"?|'(?:[^'\\\n]|\\.)*'?)/;
const HASH = /#[^\n]*/;
const TEMPLATES = /`(?:[^`\\]|\\.)*(?:`|$)/;

const C = "auto break case char const continue default do double else enum extern float for goto if inline int long return "
  + "short signed sizeof static struct switch typedef union unsigned void volatile while NULL";
const WORDS = {
  python: "and as assert async await break class continue def del elif else except finally for from global if import in is "
    + "lambda match nonlocal not or pass raise return try while with yield case None True False self",
  javascript: "as async await break case catch class const continue debugger default delete do else enum export extends "
    + "false finally for from function get if implements import in instanceof interface let new null of private protected "
    + "public readonly return set static super switch this throw true try type typeof undefined var void while yield",
  c: C,
  cpp: C + " bool catch class constexpr delete explicit false final friend namespace new noexcept nullptr operator override "
    + "private protected public template this throw true try typename using virtual",
  csharp: "abstract as async await base bool break case catch class const continue decimal default delegate do double else "
    + "enum event false finally float for foreach get if in int interface internal is lock long namespace new null object out "
    + "override params private protected public readonly record ref return sealed set static string struct switch this throw "
    + "true try typeof using var virtual void while yield",
  java: "abstract assert boolean break byte case catch char class continue default do double else enum extends false final "
    + "finally float for if implements import instanceof int interface long new null package private protected public record "
    + "return short static super switch synchronized this throw throws true try var void volatile while",
  kotlin: "as break by catch class companion const constructor continue data do else enum false finally for fun if import in "
    + "init interface internal is it lateinit null object open override package private protected public return sealed super "
    + "suspend this throw true try typealias val var when while",
  go: "break case chan const continue default defer else error fallthrough false for func go goto if import int interface "
    + "iota map nil package range return select string struct switch true type var",
  rust: "as async await break const continue crate dyn else enum extern false fn for if impl in let loop match mod move mut "
    + "pub ref return self Self static struct super trait true type unsafe use where while",
  shell: "case do done elif else esac export fi for function if in local return then until while",
};
const NAMES = /** @type {Record<string, string>} */ ({
  py: "python", pyi: "python", js: "javascript", mjs: "javascript", cjs: "javascript", jsx: "javascript", ts: "javascript",
  tsx: "javascript", typescript: "javascript", json: "javascript", h: "c", cc: "cpp", hpp: "cpp", cxx: "cpp", "c++": "cpp",
  cs: "csharp", "c#": "csharp", kt: "kotlin", kts: "kotlin", golang: "go", rs: "rust", sh: "shell", bash: "shell", zsh: "shell",
});

/**
 * The language of a file's path, or of a name after a fence; empty where it is none of ours.
 *
 * @param {string} name
 */
export function languageOf(name) {
  const last = name.toLowerCase().split(/[./\\]/).pop() ?? "";
  const known = NAMES[last] ?? last;
  return Object.hasOwn(WORDS, known) ? known : "";
}

/**
 * @param {string} text
 * @param {string} language as `languageOf` has it
 * @returns {Piece[]} which joined are the text
 */
export function highlight(text, language) {
  const known = language && text.length <= LARGEST ? grammar(language) : null;
  if (!known) return [["plain", text]];
  /** @type {Piece[]} */
  const pieces = [];
  let at = 0;
  for (const found of text.matchAll(known.pattern)) {
    if (found.index > at) pieces.push(["plain", text.slice(at, found.index)]);
    pieces.push([kindOf(found, known.words, pieces), found[0]]);
    at = found.index + found[0].length;
  }
  if (at < text.length) pieces.push(["plain", text.slice(at)]);
  return pieces;
}

/**
 * Pieces by line, without the line ends.
 *
 * @param {Piece[]} pieces
 * @returns {Piece[][]}
 */
export function byLine(pieces) {
  /** @type {Piece[][]} */
  const lines = [[]];
  for (const piece of pieces) {
    const [kind, text] = piece;
    if (!text.includes("\n")) {
      lines[lines.length - 1].push(piece);
      continue;
    }
    text.split("\n").forEach((part, index) => {
      if (index) lines.push([]);
      if (part) lines[lines.length - 1].push([kind, part]);
    });
  }
  return lines;
}

/**
 * @param {RegExpMatchArray} found
 * @param {Set<string>} words
 * @param {Piece[]} before
 * @returns {Kind}
 */
function kindOf({ groups = {} }, words, before) {
  if (groups.comment !== undefined) return "comment";
  if (groups.string !== undefined) return "string";
  if (groups.number !== undefined) return "number";
  if (words.has(groups.word)) return "keyword";
  const [kind, text] = before[before.length - 2] ?? ["plain", ""];
  const defines = kind === "keyword" && /^(?:def|class|function|fn|func|fun|struct|interface|trait|enum|record|impl|type)$/.test(text);
  return defines ? "name" : "plain";
}

/** @type {Map<string, {pattern: RegExp, words: Set<string>}>} */
const grammars = new Map();

/** @param {string} language */
function grammar(language) {
  let known = grammars.get(language);
  if (!known) {
    const hashed = language === "python" || language === "shell";
    const strings = language === "python" ? PYTHON_STRINGS : C_STRINGS;
    const quoted = language === "javascript" || language === "go" ? `${strings.source}|${TEMPLATES.source}` : strings.source;
    const pattern = new RegExp(
      `(?<comment>${(hashed ? HASH : C_COMMENTS).source})|(?<string>${language === "rust" ? '"(?:[^"\\\\]|\\\\.)*"?' : quoted})`
      + "|(?<number>\\b\\d[\\w.]*)|(?<word>[\\p{L}_$][\\p{L}\\p{N}_$]*)",
      "gu",
    );
    known = { pattern, words: new Set(/** @type {Record<string, string>} */ (WORDS)[language].split(" ")) };
    grammars.set(language, known);
  }
  return known;
}
