"""Run the tutorials and store their outputs: `uv run tools/tutorials.py [01 04 ...]`.

Executes each notebook, and writes it back with its figures and without what belongs to this
machine. A digest of the code cells goes into its metadata, so that a test can tell outputs that
are older than the code.
"""

import argparse
import base64
import hashlib
import io
import time
from pathlib import Path
from typing import Any

import nbclient
import nbformat
from PIL import Image

FORMAT: Any = nbformat  # it has no types
FOLDER = Path(__file__).resolve().parents[1] / "tutorials"
KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}
TIMEOUT = 300  # seconds per cell


def code_digest(notebook: Any) -> str:
    """Return a hash of the code cells, in their order."""
    code = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    return hashlib.sha256("\0".join(code).encode()).hexdigest()[:16]


def run(path: Path) -> float:
    """Execute one notebook and write it back; return the seconds it took."""
    notebook = FORMAT.read(path, as_version=4)
    start = time.perf_counter()
    nbclient.NotebookClient(
        notebook, timeout=TIMEOUT, kernel_name="python3", resources={"metadata": {"path": FOLDER}}
    ).execute()
    seconds = time.perf_counter() - start
    for i, cell in enumerate(notebook.cells):
        cell["id"] = f"cell-{i:02d}"
        cell.metadata = {}
        if cell.cell_type == "code":
            cell.outputs = _joined(cell.outputs)
    notebook.metadata = {
        "kernelspec": KERNEL,
        "language_info": {"name": "python"},
        "code_digest": code_digest(notebook),
    }
    FORMAT.write(notebook, path)
    return seconds


def _joined(outputs: list[Any]) -> list[Any]:
    """Join what was printed in pieces, and make figures small (256 colours)."""
    kept: list[Any] = []
    for output in outputs:
        if output.output_type == "stream" and kept and kept[-1].get("name") == output.name:
            kept[-1].text += output.text
            continue
        kept.append(output)
        if "image/png" in output.get("data", {}):
            picture = Image.open(io.BytesIO(base64.b64decode(output.data["image/png"])))
            small = io.BytesIO()
            picture.convert("RGB").quantize(256, dither=Image.Dither.NONE).save(
                small, "PNG", optimize=True
            )
            output.data["image/png"] = base64.b64encode(small.getvalue()).decode() + "\n"
    return kept


def main() -> None:
    """Run the chosen notebooks, or all."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("numbers", nargs="*", help="which, by how their names begin")
    numbers = parser.parse_args().numbers or [""]
    for path in sorted(FOLDER.glob("*.ipynb")):
        if any(path.name.startswith(number) for number in numbers):
            print(f"{path.name}: {run(path):.1f} s", flush=True)


if __name__ == "__main__":
    main()
