"""The version of the installed package; `pyproject.toml` is where it is set."""

from importlib.metadata import version

#: Version of the installed package.
__version__ = version("lava-sqs")
