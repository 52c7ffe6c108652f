"""Natural points of trees by a slow walk over every node, and short pieces of ten languages that show them.

The walk knows the names of the ten grammars' nodes one by one, where the package goes by rules about names.
"""

from tree_sitter import Node, Tree

BLOCKS = {
    *("block", "class_body", "interface_body", "enum_body", "statement_block", "class_static_block"),
    *("switch_body", "switch_block", "enum_body_declarations", "annotation_type_body", "constructor_body"),
    *("module_body", "function_body", "enum_class_body", "catch_block", "finally_block", "lambda_literal"),
    *("statement_list", "field_declaration_list", "declaration_list", "enum_variant_list", "match_block"),
    *("unsafe_block", "async_block", "const_block", "gen_block", "try_block", "compound_statement"),
    *("enumerator_list", "requirement_seq", "accessor_list", "enum_member_declaration_list"),
}
STATEMENTS = (
    *("statement", "definition", "_item", "_spec", "_elem", "_case", "when_entry", "class_declaration"),
    *("function_declaration", "lexical_declaration", "local_variable_declaration", "field_declaration"),
    *("method_declaration", "interface_declaration", "enum_declaration", "type_declaration", "import_declaration"),
    *("preproc_if", "preproc_ifdef", "preproc_else", "preproc_elif", "preproc_def", "preproc_function_def"),
    *("preproc_include", "preproc_call", "struct_declaration", "record_declaration", "constructor_declaration"),
    *("property_declaration", "const_declaration", "var_declaration", "attribute_declaration", "let_declaration"),
    *("package_declaration", "namespace_declaration", "template_declaration", "alias_declaration"),
    *("use_declaration", "using_declaration", "object_declaration", "enum_member_declaration"),
    *("accessor_declaration", "friend_declaration", "static_assert_declaration", "abstract_class_declaration"),
    *("short_var_declaration", "ambient_declaration", "type_alias_declaration", "constant_declaration"),
)
PARTS = ("with_item", "multi_variable_declaration", "catch_declaration")


def natural_points(tree: Tree) -> dict[int, set[str]]:
    """byte -> what ends there, for every natural point of a tree."""
    points: dict[int, set[str]] = {tree.root_node.end_byte: {"file"}} if tree.root_node.end_byte else {}
    waiting: list[tuple[Node, bool]] = [(tree.root_node, True)]
    while waiting:
        parent, holds_statements = waiting.pop()
        children = [child for child in parent.children if child.start_byte < child.end_byte]
        for i, child in enumerate(children):
            waiting.append((child, child.type in BLOCKS))
            after, beyond, *_ = [*children[i + 1 : i + 3], None, None]
            if child.is_named and child.type != "ERROR":
                kind = _kind(child, parent, holds_statements, after, beyond)
                if kind:
                    points.setdefault(child.end_byte, set()).add(kind)
    return points


def _kind(node: Node, parent: Node, in_block: bool, after: Node | None, beyond: Node | None) -> str | None:
    if node.type == "statement_list":
        return None
    if node.type in BLOCKS:
        return "block"
    is_part = node.type in PARTS or node.type == "variable_declaration" or "parameter" in node.type
    if not is_part and (node.type.endswith(STATEMENTS) or node.type == "declaration"):
        return "statement"
    if in_block:
        return "statement" if after is None or after.type not in (":", "->") else None
    if after is None:
        return None
    closed = after.type in list(")]},;") and "string" not in parent.type
    closed |= after.type == ">" and beyond is None
    closed |= after.type == ":" and beyond is not None and beyond.type in BLOCKS
    return "expression" if closed or after.type in BLOCKS else None


MARKED: tuple[tuple[str, str], ...] = (
    (
        "a.py",
        "import os¦, sys¦\nfrom a import (b¦, c as d¦)¦",
    ),
    (
        "a.py",
        "@dec(1¦)\ndef f(a¦, b: int = 2¦, *c¦) -> int:\n    # note¦\n    return a¦",
    ),
    (
        "a.py",
        "if a and b¦:\n    return [x for x in c if x¦]¦\nelse:\n    pass¦",
    ),
    (
        "a.py",
        "class A(B¦, c=D¦)¦:\n    x: int = 5¦; y = 1¦\n\n    def g(self¦)¦: pass¦",
    ),
    (
        "a.py",
        "for i¦, j in z¦: print(i.k(1¦)[0¦]¦)¦\nwith open(a¦) as f¦, b¦: pass¦",
    ),
    (
        "a.py",
        "try:\n    a.b¦\nexcept (E¦, F¦) as e¦:\n    raise¦\nx = {a: b¦, 'k': f\"{a¦}!\"¦}¦",
    ),
    (
        "a.py",
        "match x¦:\n    case 1 | 2¦: y¦\n    case _¦: z¦\nx[1:2¦, a¦] += 1 if b else c¦",
    ),
    (
        "a.js",
        "import { a¦, b¦ } from 'c'¦;¦\nexport const f = (x¦, y¦) => x + g(y¦)¦;¦",
    ),
    ("a.js", "let z = `a${b¦}c` + [1¦, 2¦].map(x => { return x¦;¦ }¦)¦"),
    (
        "a.js",
        "class A extends B¦ {\n  x = 1¦;\n  get y()¦ { return this.x¦;¦ }¦\n}¦",
    ),
    (
        "a.js",
        "if (a¦) b()¦;¦ else { c()¦ }¦\nfor (let i = 0¦;¦ i < n¦; i++¦) {}¦",
    ),
    (
        "a.js",
        "switch (a¦)¦ { case 1: b()¦;¦ break;¦ default: c()¦;¦ }¦\nconst {p¦, q: r¦} = {s: 1¦, t¦}¦;¦",
    ),
    ("a.tsx", "const a = <div id={x¦}¦>{y¦} text</div¦>¦;¦"),
    ("a.ts", "function f<T¦, U¦>(a: Map<T¦, U¦>¦, b?: number¦): string¦ { return a as any¦;¦ }¦"),
    (
        "a.ts",
        "interface A extends B<C¦>¦ { x: number¦; y(a: string¦): void¦ }¦\ntype T = A | B¦;¦",
    ),
    (
        "a.ts",
        "enum E¦ { A¦, B = 2¦ }¦\nnamespace N¦ { export let x = a > b¦;¦ }¦",
    ),
    ("a.ts", "abstract class A<T¦>¦ { constructor(private x: T¦)¦ { super(x¦)¦;¦ }¦ abstract f(): void¦; }¦"),
    (
        "A.java",
        "package a.b¦;¦\n"
        "import c.D¦;¦\n"
        "/** doc */¦\n"
        "class A<T¦> extends B implements C¦, D¦ {\n"
        "  @Over(x = 1¦)\n"
        "  final int x = 5¦;¦\n"
        "}¦",
    ),
    (
        "A.java",
        "class A¦ { int f(int a¦, List<String¦> b¦) throws E¦ {\n"
        "    if (a > 1¦) return g(a¦)¦;¦ else { x = 2¦;¦ }¦\n"
        "}¦ }¦",
    ),
    ("A.java", "class A¦ { void f()¦ { for (int i = 0¦;¦ i < a¦; i++¦) { h(i¦).k()¦;¦ }¦ }¦ }¦"),
    (
        "A.java",
        "class A¦ { int f()¦ { switch (a¦)¦ { case 1: f()¦;¦ break;¦ default: g()¦;¦ }¦\n"
        " return switch (a¦)¦ { case 1 -> 2¦;¦ default -> { yield 3¦;¦ }¦ }¦;¦ }¦ }¦",
    ),
    (
        "A.java",
        "class A¦ { { try (R r = q()¦)¦ { x()¦;¦ }¦ catch (E | F e¦) { b.map(z -> z + 1¦)¦;¦ }¦ }¦ }¦\n"
        "enum Q¦ { A¦, B(1¦)¦ { }¦; int z¦;¦ }¦\n"
        "record P(int a¦, int b¦)¦ {}¦",
    ),
    (
        "a.kt",
        "package a¦\n"
        "import b.c¦\n"
        "\n"
        "class A(val x: Int¦, y: String¦) : B(x¦)¦, C¦ {\n"
        "    val z: Int = 5¦\n"
        "    fun f(a: Int¦)¦ = a + 1¦\n"
        "}¦",
    ),
    (
        "a.kt",
        "fun g(): Int¦ {\n    if (x > 1¦) h() else { k(x¦)¦ }¦\n    for (i in t¦) { p(i¦)¦ }¦\n}¦",
    ),
    (
        "a.kt",
        "val t = listOf(1¦, 2¦).map { it -> a(it¦)¦\n    it + 1¦ }¦",
    ),
    (
        "a.kt",
        "fun g(x: Int¦)¦ = when (x¦) {\n    1 -> 2¦\n    else -> { 3¦ }¦\n}¦\nenum class E¦ { A¦, B¦ }¦",
    ),
    (
        "a.go",
        'package a¦\n\nimport (\n\t"b"¦\n\tc "d"¦\n)¦\n¦',
    ),
    (
        "a.go",
        "package a¦\n"
        "\n"
        "type T struct {\n"
        "\tx¦, y int¦\n"
        "\tz map[string¦]int¦\n"
        "}¦\n"
        "\n"
        "type I interface {\n"
        "\tM(a int¦) error¦\n"
        "\tN()¦\n"
        "}¦\n"
        "¦",
    ),
    (
        "a.go",
        "package a¦\n"
        "\n"
        "func (t *T¦) f(a int¦, b ...string¦) (int¦, error¦)¦ {\n"
        "\tx := []int{1¦, 2¦}¦\n"
        "\tx = append(x¦, 1¦)¦\n"
        "}¦\n"
        "¦",
    ),
    (
        "a.go",
        "package a¦\n"
        "\n"
        "func f()¦ {\n"
        "\tif y¦, ok := m[a¦]¦; ok && a > 1¦ {\n"
        "\t\treturn a¦, nil¦\n"
        "\t}¦\n"
        "\tfor i := range x¦ {\n"
        "\t\tgo func()¦ { p(i¦)¦ }¦()¦\n"
        "\t}¦\n"
        "}¦\n"
        "¦",
    ),
    (
        "a.rs",
        "use a::{b¦, c¦}¦;¦\n"
        "#[derive(Debug¦, Clone¦)¦]¦\n"
        "pub struct S<T¦>¦ { pub x: i32¦, y: Vec<T¦>¦ }¦\n"
        "struct P(pub i32¦, u8¦)¦;¦",
    ),
    ("a.rs", "enum E¦ { A¦, B(i32¦)¦, C¦ { x: u8¦ }¦ }¦"),
    (
        "a.rs",
        "impl<T¦> S<T¦>¦ {\n"
        "    // note¦\n"
        "    fn f(&self¦, a: i32¦) -> i32¦ {\n"
        "        let v = vec![1¦, a¦]¦;¦\n"
        "        v.g(a¦)[0¦]¦\n"
        "    }¦\n"
        "}¦",
    ),
    ("a.rs", "fn f()¦ { match a¦ { 1 => 2¦,¦ x if x > 3 => { 4¦ }¦ _ => 5¦ }¦ }¦"),
    ("a.rs", "fn g()¦ { if a && b¦ { c()?¦ }¦ else { d(|x| x + 1¦, y¦)¦ }¦;¦ for i in 0..n¦ { w![i¦]¦;¦ }¦ }¦"),
    (
        "a.c",
        "struct S¦ { int x¦, *y¦;¦ char c[10¦]¦;¦ }¦;\nenum E¦ { A¦, B = 2¦ }¦;\ntypedef struct S T¦;¦",
    ),
    (
        "a.c",
        "int f(int a¦, char *b¦)¦ {\n  int x = 5¦, y = g(a¦)¦;¦\n  if (a > 1¦) return x¦;¦ else { h()¦;¦ }¦\n}¦",
    ),
    (
        "a.c",
        "void f(void¦)¦ {\n  for (int i = 0¦;¦ i < a¦; i++¦) x += i¦;¦\n  do { x--¦;¦ }¦ while (x > 0¦)¦;¦\n}¦",
    ),
    (
        "a.c",
        "void f(void¦)¦ { switch (a¦)¦ { case 1: f()¦;¦ break;¦ default: ;¦ }¦\n"
        "  T q = {1¦, .x = 2¦}¦;¦\n"
        "  g((a ? b : c¦)->d[3¦]¦)¦;¦ }¦",
    ),
    (
        "a.c",
        "#define X(a¦) a + 1\n¦#ifdef Y\nint z¦;¦\n#endif¦",
    ),
    (
        "a.cpp",
        "namespace a¦ { using b = c<d¦, e¦>¦;¦ }¦\n"
        "template <typename T¦, int N¦>\n"
        "class A : public B¦, C¦ {\n"
        "public:\n"
        "  A(int x¦) : x_(x¦)¦, y(0¦)¦ {}¦\n"
        "}¦;¦",
    ),
    ("a.cpp", "auto l = [&¦](auto x¦)¦ { return x << 1¦;¦ }¦;¦"),
    ("a.cpp", "void g()¦ { for (auto& x : v¦) { try { h<int¦>(x¦)¦;¦ }¦ catch (const E& e¦)¦ { throw;¦ }¦ }¦ }¦"),
    (
        "a.cpp",
        'auto s = R"(a)"¦;¦\nbool b = x > y¦;¦',
    ),
    (
        "A.cs",
        "using A.B¦;¦\n"
        "namespace N¦ {\n"
        "  [Attr(1¦)¦]\n"
        "  public class C<T¦> : D¦, I where T : new()¦ {\n"
        "    private int y = 1¦, z¦;¦\n"
        "  }¦\n"
        "}¦",
    ),
    (
        "A.cs",
        "class C¦ { public int X¦ { get;¦ set;¦ }¦ = 5¦;¦\n    public int F(int a¦, string b¦) => a + G(b¦)¦;¦ }¦",
    ),
    (
        "A.cs",
        "class C¦ { void H()¦ {\n"
        "  var l = xs.Where(x => x > 1¦).ToList()¦;¦\n"
        '  if (a¦) return;¦ else { K($"{a}!"¦)¦;¦ }¦\n'
        "}¦ }¦",
    ),
    (
        "A.cs",
        "class C¦ { void H()¦ { foreach (var i in l¦) { J(i¦)¦;¦ }¦\n"
        "  var r = a switch { 1 => 2¦, _ => 3¦ }¦;¦\n"
        "  try { }¦ catch (E e¦)¦ { }¦ }¦ }¦\n"
        "enum Q¦ { A¦, B = 2¦ }¦",
    ),
)
