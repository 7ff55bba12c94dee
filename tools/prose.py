"""The words of the pages, by proselint and the glossary: `uv run tools/prose.py`.

Code, formulas and tables of results are no prose and are left out. `docs/glossary.md` says in its
third column which words are not used for a thing; docstrings are held to those as well.
"""

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from proselint.checks import __register__
from proselint.config import DEFAULT
from proselint.registry import CheckRegistry
from proselint.tools import LintFile

ROOT = Path(__file__).resolve().parents[1]
PAGES = ("README.md", "CONTRIBUTING.md", "SECURITY.md", "docs/*.md", "docs/howto/*.md")
#: Checks of proselint: Sphinx sets curly quotes and the like, and tables repeat numbers.
LEFT_OUT = ("typography", "lexical_illusions")
_CODE = re.compile(
    r"^```.*?^```|^(?: {4}|\t).*?$|\$\$.*?\$\$|\$[^$\n]+\$|`[^`\n]+`|\{[a-z]+\}|\]\([^)]*\)",
    re.M | re.S,
)

_DANGLING = re.compile(r"^ *[\w, *]+ : .*\n +Of ", re.M)


def prose(text: str) -> str:
    """Return a page without its code and formulas, every line where it was."""
    return _CODE.sub(lambda found: re.sub(r"[^\n]", " ", found[0]), text)


def unwanted() -> dict[str, str]:
    """Return the words that the glossary rules out, and what is written instead."""
    words = {}
    for line in (ROOT / "docs/glossary.md").read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) == 3 and cells[2] not in ("", "not", "---"):
            for word in cells[2].split(", "):
                words[word.strip('"')] = cells[0].strip("*")
    return words


def docstrings() -> Iterator[tuple[str, int, str]]:
    """Yield file, line and text of every docstring of the package."""
    for file in sorted((ROOT / "lava_sqs").rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            kinds = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
            if isinstance(node, kinds) and (text := ast.get_docstring(node, clean=False)):
                line = getattr(node.body[0], "lineno", 1)
                yield str(file.relative_to(ROOT)), line, re.sub(r"^ *>>>.*$", "", text, flags=re.M)


def faults() -> Iterator[str]:
    """Yield what is wrong, a line each."""
    CheckRegistry().register_many(__register__)
    checks = {**DEFAULT["checks"], **dict.fromkeys(LEFT_OUT, False)}
    avoid = {re.compile(rf"\b{re.escape(word)}\b"): (word, use) for word, use in unwanted().items()}

    def worded(name: str, first: int, text: str) -> Iterator[str]:
        for number, line in enumerate(text.splitlines(), first):
            for pattern, (word, use) in avoid.items():
                if pattern.search(line):
                    yield f"{name}:{number}: not {word!r} but {use!r} (docs/glossary.md)"

    for page in sorted(file for pattern in PAGES for file in ROOT.glob(pattern)):
        name, text = str(page.relative_to(ROOT)), prose(page.read_text(encoding="utf-8"))
        for found in LintFile(name, text).lint({"max_errors": 1000, "checks": checks}):
            yield f"{name}:{found.pos[0]}: {found.check_result.message}"
        if name != "docs/glossary.md":
            yield from worded(name, 1, text)
    for name, line, text in docstrings():
        for found in _DANGLING.finditer(text):
            at = line + text.count("\n", 0, found.end())
            yield f"{name}:{at}: a description does not begin with 'Of': name the thing"
        yield from worded(name, line, re.sub(r"`[^`\n]+`", "", text))


def main() -> int:
    """Print every fault; return 1 if there is one."""
    found = list(faults())
    print("\n".join(found) or "no words to mend")
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main())
