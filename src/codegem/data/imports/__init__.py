"""Which files of a repository a file imports, language by language.

`reading` takes the import statements from a syntax tree, `naming` the names that a text uses and declares, and one
resolver for each way in which languages name files turns them into paths: `RESOLVERS`, by the name that the row of
`text.languages` gives.
"""

from codegem.data.imports.records import FileFacts, GraphFile, Import, Use
from codegem.data.imports.resolving import RESOLVERS, read_facts, resolve
from codegem.data.imports.tree import RepositoryTree

__all__ = ["RESOLVERS", "FileFacts", "GraphFile", "Import", "RepositoryTree", "Use", "read_facts", "resolve"]
