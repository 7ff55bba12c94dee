"""The command line."""

from lava_sqs.cli.main import main

__all__ = ["main"]
