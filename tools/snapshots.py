"""Read the calibrations that presets are made of from qiskit-ibm-runtime, and store them.

uv run tools/snapshots.py          # writes lava_sqs/quantum/noise/snapshots.json
uv run tools/snapshots.py --check  # 1 if that file says something else
"""

from __future__ import annotations

import argparse
import json
import sys
from importlib.metadata import version
from typing import Any

from lava_sqs._files import write_bytes
from lava_sqs.quantum.noise.snapshots import FILE, SNAPSHOTS, taken


def snapshot(name: str) -> dict[str, Any]:
    """Return what is stored under a name."""
    from qiskit_ibm_runtime import fake_provider

    made = getattr(fake_provider, SNAPSHOTS[name])()
    return taken(made, f"{SNAPSHOTS[name]} of qiskit-ibm-runtime {version('qiskit-ibm-runtime')}")


def text() -> str:
    """Return the file: a line per qubit and pair."""
    parts = []
    for name in SNAPSHOTS:
        data = snapshot(name)
        rows = {
            key: ",\n".join(f"   {json.dumps(row)}" for row in data.pop(key))
            for key in ("qubits", "pairs")
        }
        lines = [f"  {json.dumps(k)}: {json.dumps(v)}" for k, v in data.items()]
        lines += [f"  {json.dumps(k)}: [\n{v}\n  ]" for k, v in rows.items()]
        parts.append(f" {json.dumps(name)}: {{\n" + ",\n".join(lines) + "\n }")
    return "{\n" + ",\n".join(parts) + "\n}\n"


def main(argv: list[str] | None = None) -> int:
    """Write or check the file."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--check", action="store_true", help="compare only")
    args = parser.parse_args(argv)
    made = text()
    if args.check:
        same = json.loads(made) == json.loads(FILE.read_text("utf-8"))
        print("the same" if same else f"{FILE} says something else", file=sys.stderr)
        return 0 if same else 1
    write_bytes(FILE, made.encode())
    return 0


if __name__ == "__main__":
    sys.exit(main())
