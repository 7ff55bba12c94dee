"""The words of the pages, by proselint and the glossary: `uv run tools/prose.py`.

Code, formulas and tables of results are not prose and are left out. `docs/glossary.md` says in its
third column which words are not used for a thing, and `PHRASES` which phrases read like
translations; docstrings, messages and the help of the command line are held to both as well.
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

#: What reads like a translation, and what is written instead.
PHRASES = {
    r"\bNames the argument\b": "If an argument has the wrong type or value",
    r"\bwhat (was|is) expected and\b": "the cause, the number, the way out",
    r"\bof (yours|theirs)\b": "your own",
    r"\ball the same[,.;]": "still",
    r"\banew\b": "again",
    r"\bin the place of\b": "in place of",
    r"\bbut for (?!more)": "except for",
    r"\b(who|Who)ever\b": "the one that",
    r"\b[Aa]s of :": "see",
    r"\bcannot be told\b": "is unclear",
    r"\bmust be told\b": "must be given",
    r"\b(devices|machines|computers) of today\b": "today's",
    r", but (got )?\S+ (is|are) none\b": "is not one",
}

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


def messages() -> Iterator[tuple[str, int, str]]:
    """Yield file, line and text of what the package says: errors, warnings, help; no docstrings."""
    for file in sorted((ROOT / "lava_sqs").rglob("*.py")):
        tree = ast.parse(file.read_text(encoding="utf-8"))
        plain = {id(n.value) for n in ast.walk(tree) if isinstance(n, ast.Expr)}
        plain |= {
            id(part) for n in ast.walk(tree) if isinstance(n, ast.JoinedStr) for part in n.values
        }
        for node in ast.walk(tree):
            if id(node) in plain:
                continue
            text = ""
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                text = node.value
            elif isinstance(node, ast.JoinedStr):
                parts = (p.value if isinstance(p, ast.Constant) else "{}" for p in node.values)
                text = "".join(map(str, parts))
            if len(text.split()) > 3:
                yield str(file.relative_to(ROOT)), getattr(node, "lineno", 1), text


def faults() -> Iterator[str]:
    """Yield what is wrong, a line each."""
    CheckRegistry().register_many(__register__)
    checks = {**DEFAULT["checks"], **dict.fromkeys(LEFT_OUT, False)}
    avoid = {re.compile(rf"\b{re.escape(word)}\b"): use for word, use in unwanted().items()}
    avoid |= {re.compile(pattern): use for pattern, use in PHRASES.items()}

    def worded(name: str, first: int, text: str) -> Iterator[str]:
        for number, line in enumerate(text.splitlines(), first):
            for pattern, use in avoid.items():
                if found := pattern.search(line):
                    yield f"{name}:{number}: not {found[0]!r} but {use!r} (docs/glossary.md)"

    for page in sorted(file for pattern in PAGES for file in ROOT.glob(pattern)):
        name, text = str(page.relative_to(ROOT)), prose(page.read_text(encoding="utf-8"))
        for found in LintFile(name, text).lint({"max_errors": 1000, "checks": checks}):
            yield f"{name}:{found.pos[0]}: {found.check_result.message}"
        if name != "docs/glossary.md":
            yield from worded(name, 1, text)
    for name, line, text in messages():
        yield from worded(name, line, re.sub(r"`[^`\n]+`", "", text))
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
