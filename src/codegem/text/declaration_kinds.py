"""What the nodes of ten grammars declare, by their names.

The grammars of `text.languages` call alike what is alike, so that one pattern for each kind of declaration serves all,
and a further grammar mostly needs none.
"""

import re

FUNCTION = re.compile(
    r"""(generator_)?function_(definition|declaration|item|signature|signature_item) | (abstract_)?method_signature
    | method_(definition|declaration|elem|spec) | (compact_)?constructor_declaration | secondary_constructor
    | (delegate|operator|conversion_operator|indexer)_declaration | annotation_type_element_declaration""",
    re.VERBOSE,
)
TYPE = re.compile(
    r"""(abstract_)?class_(definition|declaration|specifier)
    | (interface|object|record|struct|annotation_type)_declaration
    | (trait|impl)_item | companion_object | (struct|union)_specifier""",
    re.VERBOSE,
)
# What only holds declarations: each of them stands for itself.
WRAPPER = re.compile(
    r"""(file_scoped_)?namespace_(declaration|definition) | (internal_)?module | mod_item | linkage_specification
    | preproc_(if|ifdef|else|elif) | export_statement | ambient_declaration | template_declaration
    | decorated_definition | declaration_list | statement_block""",
    re.VERBOSE,
)
VALUE = re.compile(
    r"""(type|struct|const|static|union|enum)_item | associated_type | declaration
    | (const|var|type|lexical|variable|field|constant|enum|property|event|event_field|alias)_declaration
    | type_definition | type_alias(_declaration|_statement)? | preproc_(function_)?def | property_signature
    | (public_)?field_definition | enum_(specifier|entry) | expression_statement""",
    re.VERBOSE,
)
# Values that are shown whole over several lines, and what in a value is code, of which only the beginning is shown.
WHOLE = re.compile(r"type_declaration|(struct|enum|type)_item|type_definition|type_alias_declaration|enum_specifier")
CODE = re.compile(r"arrow_function|function_expression|getter|accessor_list|function_body|lambda|object|class_body")
BODY = re.compile(r"(.*_)?(block|body|list)|compound_statement")
BEFORE_BODY = ("field_initializer_list", "constructor_initializer", "=>")  # they end the head of a function as well
COMMENT = re.compile(r"(line_|block_)?comment")
# They stand between a comment and what it is about.
ATTRIBUTES = ("attribute_item", "marker_annotation")
# Of Python's, those that change how a name is used.
DECORATORS = ("@property", "@staticmethod", "@classmethod", "@dataclass", "@overload")
