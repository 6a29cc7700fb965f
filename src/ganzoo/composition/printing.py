"""A composed config as a person reads it."""

import io
import math
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from typing import Any

import yaml

WIDTH = 100


@contextmanager
def compactly() -> Iterator[None]:
    """Print the YAML that is printed inside with a line, or few, for each part."""
    printed = io.StringIO()
    try:
        with redirect_stdout(printed):
            yield
    finally:
        sys.stdout.write(compact(printed.getvalue()))


def compact(text: str) -> str:
    """Write YAML anew: what holds no other parts is in flow style, and ``_target_`` comes first.

    Args:
        text: YAML of one document; comments at its top are kept.
    """
    head = "".join(line for line in text.splitlines(keepends=True) if line.startswith("#"))
    content = yaml.safe_load(text)
    if not isinstance(content, dict):
        return text
    return head + "".join(f"{line}\n" for line in _lines(content, ""))


def _lines(content: dict[str, Any], indent: str) -> Iterator[str]:
    for key, value in sorted(content.items(), key=lambda item: item[0] != "_target_"):
        if not isinstance(value, dict):
            yield f"{indent}{_dumped({key: value}, flow=False)}"
        elif any(isinstance(one, dict) and one for one in value.values()):
            yield f"{indent}{key}:"
            yield from _lines(value, f"{indent}  ")
        else:
            yield from _wrapped(f"{indent}{key}: ", value, f"{indent}  ")


def _wrapped(line: str, part: dict[str, Any], indent: str) -> Iterator[str]:
    """A part in flow style, in as few lines as its settings take."""
    settings = sorted(part.items(), key=lambda item: item[0] != "_target_")
    words = [_dumped({key: value}, flow=True)[1:-1] for key, value in settings]
    line += "{"
    for number, word in enumerate(words):
        if number and len(line) + len(word) + 2 > WIDTH:
            yield line.rstrip()
            line = indent
        line += word + (", " if number < len(words) - 1 else "")
    yield line + "}"


def _dumped(setting: dict[str, Any], *, flow: bool) -> str:
    ((key, value),) = setting.items()
    if isinstance(value, list) and not flow:
        return f"{key}: {yaml.safe_dump(value, default_flow_style=True, width=math.inf)}".rstrip()
    return yaml.safe_dump(setting, default_flow_style=flow, width=math.inf).rstrip()
