"""One table of languages; a further language is one more row."""

from codegem.evaluation.babelcode.languages import cpp, csharp, go, java, javascript, kotlin, python, rust
from codegem.evaluation.babelcode.languages.language import Language

LANGUAGES: dict[str, Language] = {
    module.LANGUAGE.name: module.LANGUAGE for module in (cpp, csharp, go, java, javascript, kotlin, python, rust)
}
