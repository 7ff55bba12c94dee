"""Every static check of the project, as CI runs them: `uv run tools/check.py`."""

import subprocess
import sys
from pathlib import Path

CHECKS = (
    ("ruff", "check"),
    ("ruff", "format", "--check"),
    ("mypy",),
    ("codespell",),
    (sys.executable, "tools/prose.py"),
    (sys.executable, "tools/docstrings.py"),
)


def main() -> int:
    """Run all checks, also after one has failed, and say at the end which did."""
    root = Path(__file__).resolve().parents[1]
    failed = []
    for check in CHECKS:
        command = " ".join(Path(word).name for word in check)
        print(f"== {command}", flush=True)
        if subprocess.run(check, cwd=root).returncode:
            failed.append(command)
    print(f"failed: {', '.join(failed)}" if failed else "all checks passed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
