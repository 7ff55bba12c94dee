"""`python -m lava_sqs.study` is the command `lava-sqs study`."""

import sys

from lava_sqs._lazy import load

if __name__ == "__main__":  # by its name: commands import studies, and studies no commands
    sys.exit(load("lava_sqs.cli.study:main")())
