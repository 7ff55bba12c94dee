"""The rooms of lava_sqs and who imports whom, read from the code: for a test, and as a picture.

python tools/house.py             # rooms and arrows as text
python tools/house.py --comments  # lines of code and of comments by room, without docstrings
python tools/house.py --out FILE  # the picture of docs/tour.md
"""

from __future__ import annotations

import argparse
import ast
import io
import tokenize
from collections import defaultdict
from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

from lava_sqs._text import aligned

PACKAGE = Path(__file__).resolve().parent.parent / "lava_sqs"
#: What every room may use: the files at the top that belong to no room.
BASE = "base"
#: The room of the files that are the way in.
FRONT = "front"
#: Which room may import from which; everything may use `base`. Read from below: physics first.
ALLOWED: dict[str, set[str]] = {
    "base": set(),
    "data": set(),
    "quantum": set(),
    "neurons": {"quantum"},
    "network": {"quantum", "neurons", "data"},
    "study": {"quantum", "neurons", "network", "data"},
    "hardware": {"quantum", "neurons", "network"},
    "plot": {"quantum", "study"},
    "proc": {"quantum", "neurons", "network"},
    "execution": {"quantum", "network", "proc"},
    "testing": {"quantum", "proc", "execution"},
    "demo": {"quantum", "neurons", "network", "data", "plot", "proc", "execution"},
    "cli": {"quantum", "neurons", "network", "study", "data", "plot", "execution", "demo"},
    "front": {"quantum", "network", "study", "proc", "execution", "cli"},
}

Graph = Mapping[str, set[str]]


def files() -> dict[str, Path]:
    """Return the path of every module, by its dotted name."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
        found[".".join(parts).removesuffix(".__init__")] = path
    return found


def room(module: str) -> str:
    """Return the room of a module: the folder below lava_sqs, or what stands beside the folders."""
    _, _, rest = module.partition(".")
    first = rest.partition(".")[0]
    if first in ("", "__main__"):
        return FRONT
    return first if first == "demo" or (PACKAGE / first).is_dir() else BASE


def _imported(tree: ast.AST, known: Mapping[str, Path]) -> Iterator[str]:
    """Yield the modules of ours that a file imports, anywhere in it: in functions and types too."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in known)
        elif isinstance(node, ast.ImportFrom) and node.module in known:
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                yield inner if inner in known else str(node.module)


def imports() -> dict[str, set[str]]:
    """Return the modules that each module imports."""
    known = files()
    return {
        name: set(_imported(ast.parse(path.read_text("utf-8")), known)) - {name}
        for name, path in known.items()
    }


def arrows() -> dict[str, set[str]]:
    """Return the rooms that each room imports from."""
    found: dict[str, set[str]] = defaultdict(set)
    for module, used in imports().items():
        found[room(module)] |= {room(other) for other in used} - {room(module)}
    return dict(found)


def folders() -> dict[str, set[str]]:
    """Return the folders inside of rooms, and those that each imports from."""
    known = files()

    def folder(module: str) -> str:
        parts = known[module].relative_to(PACKAGE).parts
        return ".".join(parts[:2]) if len(parts) > 2 else ""

    found: dict[str, set[str]] = defaultdict(set)
    for module, used in imports().items():
        if inside := folder(module):
            found[inside] |= {folder(other) for other in used} - {inside, ""}
    return dict(found)


def circle(graph: Graph) -> list[str]:
    """Return a circle of imports, empty if there is none."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def levels(graph: Graph) -> dict[str, int]:
    """Return how high each room stands: above everything that it imports from."""
    height: dict[str, int] = {}
    for name in TopologicalSorter(graph).static_order():
        height[name] = 1 + max((height[other] for other in graph.get(name, ())), default=-1)
    return height


def commented(text: str) -> tuple[int, int]:
    """Return how many lines of a file hold code, and how many a comment; docstrings are neither."""
    code: set[int] = set()
    comments: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            comments.add(token.start[0])
        elif token.string.strip() and token.type != tokenize.ENDMARKER:
            code.update(range(token.start[0], token.end[0] + 1))
    for node in ast.walk(ast.parse(text)):
        kinds = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
        if isinstance(node, kinds) and ast.get_docstring(node) is not None:
            code -= set(range(node.body[0].lineno, (node.body[0].end_lineno or 0) + 1))
    return len(code), len(comments)


def shares() -> Iterator[tuple[str, ...]]:
    """Yield folder, lines of code, lines of comments and comments per line of code."""
    found: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for path in files().values():
        counts = commented(path.read_text("utf-8"))
        above = [folder for folder in path.parents if PACKAGE in (folder, *folder.parents)]
        for folder in above:
            name = str(folder.relative_to(PACKAGE.parent))
            found[name] = [n + m for n, m in zip(found[name], counts, strict=True)]
    for name, (code, comments) in sorted(found.items()):
        yield name, str(code), str(comments), f"{comments / max(code, 1):.3f}"


def _essential(graph: Graph) -> dict[str, set[str]]:
    """Return the arrows that no longer way, through other rooms, replaces."""

    def below(name: str) -> set[str]:
        return set().union(*({other} | below(other) for other in graph.get(name, ())), set())

    return {
        name: {o for o in used if not any(o in below(other) for other in used if other != o)}
        for name, used in graph.items()
    }


def _places(graph: Graph) -> dict[str, tuple[float, float]]:
    """Return x and y of each room: by height, and in its row above the rooms that it needs."""
    height, needs = levels(graph), _essential(graph)
    x: dict[str, float] = {}

    def middle(name: str) -> float:
        below = [x[other] for other in needs[name]]
        return sum(below) / len(below) if below else 0.0

    for level in range(max(height.values()) + 1):
        row = sorted((n for n in height if height[n] == level), key=lambda n: (middle(n), n))
        alone = middle(row[0]) if len(row) == 1 else 0.0
        x |= {name: alone + 2.2 * (i - (len(row) - 1) / 2) for i, name in enumerate(row)}
    return {name: (x[name], 1.3 * height[name]) for name in height}


def draw(out: Path) -> None:
    """Draw the rooms by height, with the arrows that no way round replaces; *base* is left out."""
    import matplotlib.pyplot as plt

    graph = {name: used for name, used in ALLOWED.items() if name != BASE}
    place = _places(graph)
    lines: dict[str, int] = defaultdict(int)
    for module, path in files().items():
        lines[room(module)] += len(path.read_text("utf-8").splitlines())
    top = max(y for _, y in place.values())
    fig, ax = plt.subplots(figsize=(6, top))
    ax.set_xlim(min(x for x, _ in place.values()) - 1.4, max(x for x, _ in place.values()) + 1.4)
    ax.set_ylim(-0.5, top + 0.5)
    box = {"boxstyle": "round,pad=0.45", "facecolor": "#d6e4f5", "edgecolor": "#3b6ea8"}
    boxes = {}
    for name, (x, y) in place.items():
        label = f"{name}\n{round(lines[name], -2) or lines[name]} lines"
        text = ax.text(x, y, label, ha="center", va="center", fontsize=9, bbox=box)
        boxes[name] = text.get_bbox_patch()
    fig.canvas.draw()  # boxes have their sizes from here on, and arrows end at them
    for name, used in _essential(graph).items():
        for other in used:
            ends = {"patchA": boxes[name], "patchB": boxes[other], "shrinkA": 0, "shrinkB": 2}
            style = {"arrowstyle": "->", "color": "0.45", **ends}
            ax.annotate("", place[other], place[name], arrowprops=style)
    ax.set_title("Rooms of lava_sqs; an arrow means: imports from", fontsize=10)
    ax.set_axis_off()
    fig.savefig(out, dpi=130, bbox_inches="tight")
    plt.close(fig)


def main() -> None:
    """Print the rooms, or draw them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, help="draw a picture into this file instead")
    parser.add_argument("--comments", action="store_true", help="count comments instead")
    args = parser.parse_args()
    if args.comments:
        print(aligned([("folder", "code", "comments", "share"), *shares()]))
        return
    if args.out is not None:
        draw(args.out)
        return
    print(
        aligned((name, ", ".join(sorted(used)) or "-") for name, used in sorted(arrows().items()))
    )
    for title, graph in (("files", imports()), ("folders", folders()), ("rooms", arrows())):
        print(f"circle of {title}: {' -> '.join(circle(graph)) or 'none'}")


if __name__ == "__main__":
    main()
