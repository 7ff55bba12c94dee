"""Finished rows in a file of JSON lines, so that a run may be cut off and repeated."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any


def rows_of(path: Path) -> dict[str, dict[str, Any]]:
    """Return the whole lines of a file, by key; a line that was cut off does not count."""
    rows: dict[str, dict[str, Any]] = {}
    for line in path.read_text().splitlines() if path.exists() else []:
        try:
            row = json.loads(line)
        except ValueError:
            continue
        rows[row["key"]] = row
    return rows


def append(path: Path, row: dict[str, Any]) -> None:
    """Add a row in one write; several processes may add to one file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab+") as file:
        torn = file.tell() > 0 and file.seek(-1, os.SEEK_END) >= 0 and file.read() != b"\n"
        file.write(b"\n" * torn + json.dumps(row).encode() + b"\n")
