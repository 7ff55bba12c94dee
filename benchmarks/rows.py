"""Finished rows in a file of JSON lines, so that a run may be cut off and repeated."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

Row = dict[str, Any]


def key_of(named: Row | list[Any]) -> str:
    """Return what a row is known by."""
    return hashlib.sha256(json.dumps(named, sort_keys=True).encode()).hexdigest()[:16]


def lines_of(path: Path) -> Iterator[Row]:
    """Yield the whole lines of a file; a line that was cut off does not count."""
    for line in path.read_text().splitlines() if path.exists() else []:
        try:
            yield json.loads(line)
        except ValueError:
            continue


def rows_of(path: Path, named: Collection[str] = ()) -> dict[str, Row]:
    """Return the whole lines of a file, by key.

    Lines of an older file, without keys, are known by those of their fields that are in *named*.
    """
    return {
        row["key"] if "key" in row else key_of({k: row[k] for k in row if k in named}): row
        for row in lines_of(path)
    }


def append(path: Path, row: Row) -> None:
    """Add a row in one write; several processes may add to one file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab+") as file:
        torn = file.tell() > 0 and file.seek(-1, os.SEEK_END) >= 0 and file.read() != b"\n"
        file.write(b"\n" * torn + json.dumps(row).encode() + b"\n")
