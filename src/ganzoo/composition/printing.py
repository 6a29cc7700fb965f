"""A composed config as a person reads it."""

import io
import math
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from typing import Any

import yaml

WIDTH, FEW = 100, 4
"""Columns of a line, and lines of a part in flow style, at most."""


@contextmanager
def printed_compactly() -> Iterator[None]:
    """Print the YAML that is printed inside with a line, or a few, for each part."""
    printed = io.StringIO()
    try:
        with redirect_stdout(printed):
            yield
    finally:
        sys.stdout.write(compact_yaml(printed.getvalue()))


def compact_yaml(text: str) -> str:
    """Write YAML anew: what fits in a few lines is in flow style, and ``_target_`` comes first.

    Args:
        text: YAML of one document; comments at its top are kept.
    """
    head = "".join(line for line in text.splitlines(keepends=True) if line.startswith("#"))
    content = yaml.safe_load(text)
    if not isinstance(content, dict) or not content:
        return text
    return head + "".join(f"{line}\n" for line in _lines(content, ""))


def _lines(content: dict[str, Any], indent: str) -> Iterator[str]:
    for key, value in _ordered(content):
        if not isinstance(value, dict):
            yield f"{indent}{key}: {_flow(value, inside=False)}"
            continue
        flow = [*_wrapped(f"{indent}{key}: ", value, f"{indent}  ")]
        if len(flow) <= FEW and max(map(len, flow)) <= WIDTH:
            yield from flow
        else:
            yield f"{indent}{key}:"
            yield from _lines(value, f"{indent}  ")


def _wrapped(line: str, part: dict[str, Any], indent: str) -> Iterator[str]:
    """A part in flow style, in as few lines as its settings take."""
    words = [f"{_flow(key)}: {_flow(value)}" for key, value in _ordered(part)]
    line += "{"
    for number, word in enumerate(words):
        if number and len(line) + len(word) + 2 > WIDTH:
            yield line.rstrip()
            line = indent
        line += word + (", " if number < len(words) - 1 else "")
    yield line + "}"


def _flow(value: Any, *, inside: bool = True) -> str:
    """A value in flow style, inside of a part or not."""
    if isinstance(value, dict):
        inner = (f"{_flow(key)}: {_flow(one)}" for key, one in _ordered(value))
        return "{" + ", ".join(inner) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_flow, value)) + "]"
    dumped = yaml.safe_dump({"_": value}, default_flow_style=inside, width=math.inf).strip()
    return dumped.strip("{}" if inside else "").removeprefix("_: ")


def _ordered(content: dict[str, Any]) -> list[tuple[str, Any]]:
    return sorted(content.items(), key=lambda item: item[0] != "_target_")
