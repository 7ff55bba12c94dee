"""`python -m lava_sqs` is the command `lava-sqs`."""

import sys

from lava_sqs.cli import main

if __name__ == "__main__":
    sys.exit(main())
