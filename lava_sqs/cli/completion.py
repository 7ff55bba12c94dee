"""``lava-sqs completion``: what a shell completes, generated from the parsers themselves."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import Any

from lava_sqs.cli._guard import DONE
from lava_sqs.cli.options import Parser

__all__ = ["script"]

SHELLS = ("bash", "zsh", "fish")

_BASH = """\
# lava-sqs completion for bash: source <(lava-sqs completion bash)
_lava_sqs() {{
    local word=${{COMP_WORDS[COMP_CWORD]}} path="" i
    for ((i = 1; i < COMP_CWORD; i++)); do
        case "$path ${{COMP_WORDS[i]}}" in
            {paths}) path="$path ${{COMP_WORDS[i]}}" ;;
        esac
    done
    case "$path${{COMP_WORDS[COMP_CWORD-1]/#-/ -}}" in
{choices}
    esac
    case "$path" in
{words}
    esac
}}
complete -o bashdefault -o default -F _lava_sqs lava-sqs
"""


def add_parser(commands: Any, top: argparse.ArgumentParser) -> None:
    """Add ``completion`` to the subcommands of *top*."""
    parser = commands.add_parser(
        "completion",
        help="print what makes a shell complete commands and options",
        description="Print a script for a shell, for example: source <(lava-sqs completion bash)",
    )
    parser.add_argument("shell", choices=SHELLS, help="which shell reads it")
    parser.set_defaults(call=lambda args: _show(top, args.shell))


def _show(top: argparse.ArgumentParser, shell: str) -> int:
    print(script(top, shell), end="")
    return DONE


def script(top: argparse.ArgumentParser, shell: str) -> str:
    """Return the script of a shell for a parser and all of its commands.

    Parameters
    ----------
    top : argparse.ArgumentParser
        The parser.
    shell : {"bash", "zsh", "fish"}
        Which shell reads it.

    Returns
    -------
    str

    Examples
    --------
    >>> from lava_sqs.cli import build_parser
    >>> "'train'" in script(build_parser(), "fish")
    True
    """
    found = list(_walk(top, ()))
    if shell == "fish":
        return "\n".join(line for path, parser in found for line in _fish(path, parser)) + "\n"
    paths = "|".join(f'" {" ".join(path)}"' for path, _ in found if path)
    choices, words = [], []
    for path, parser in found:
        at = "".join(f" {name}" for name in path)
        words.append(f'        "{at}") COMPREPLY=($(compgen -W "{_words(parser)}" -- "$word")) ;;')
        for action in parser._actions:
            if action.option_strings and action.choices:
                cases = "|".join(f'"{at} {option}"' for option in action.option_strings)
                reply = f'COMPREPLY=($(compgen -W "{_join(action.choices)}" -- "$word")); return'
                choices.append(f"        {cases}) {reply} ;;")
    text = _BASH.format(paths=paths, choices="\n".join(choices), words="\n".join(words))
    if shell == "zsh":
        text = "autoload -U +X compinit bashcompinit && compinit && bashcompinit\n" + text
        text = text.replace("completion for bash: source <(lava-sqs completion bash)", "for zsh")
    return text


def _walk(
    parser: argparse.ArgumentParser, path: tuple[str, ...]
) -> Iterator[tuple[tuple[str, ...], argparse.ArgumentParser]]:
    """Yield every parser with the commands that lead to it."""
    if isinstance(parser, Parser):
        parser.complete()
    yield path, parser
    for name, below in _commands(parser).items():
        yield from _walk(below, (*path, name))


def _commands(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            return dict(action.choices)
    return {}


def _words(parser: argparse.ArgumentParser) -> str:
    """Return the commands, options and positional choices that can follow."""
    options = [option for action in parser._actions for option in action.option_strings]
    positional = [
        str(choice)
        for action in parser._actions
        if not action.option_strings
        for choice in action.choices or ()
    ]
    return _join([*positional, *options])


def _join(words: Any) -> str:
    return " ".join(str(word) for word in words)


def _fish(path: tuple[str, ...], parser: argparse.ArgumentParser) -> Iterator[str]:
    """Yield fish's lines for one parser."""
    seen = "; and ".join(f"__fish_seen_subcommand_from {name}" for name in path)
    commands = _commands(parser)
    rest = f"not __fish_seen_subcommand_from {_join(commands)}" if commands else ""
    where = "; and ".join(filter(None, (seen, rest)))
    start = "complete -c lava-sqs" + (f" -n '{where}'" if where else "")
    for name in commands:
        yield f"{start} -f -a '{name}'"
    for action in parser._actions:
        flags = "".join(
            f" -l {option[2:]}" if option.startswith("--") else f" -s {option[1:]}"
            for option in action.option_strings
        )
        if flags:
            takes = f" -x -a '{_join(action.choices)}'" if action.choices else ""
            yield f"{start}{flags}{takes}"
        elif action.choices and not commands:
            yield f"{start} -f -a '{_join(action.choices)}'"
