"""The pictures of README.md and docs/ are what the commands below them make."""

import os
import re
import shlex
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ganzoo.composition.theory import command_of, own_choices
from ganzoo.configs import config_directory
from ganzoo.theory.__main__ import main

ROOT = config_directory().parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
PICTURE = re.compile(r"!\[[^\]]*\]\((?P<path>[^)]+\.png)\)(?:\s+```\n(?P<commands>.*?)```)?", re.S)
THEORY = "python -m ganzoo.theory "
WIDTH = 160
TOLERANCE = 0.025
"""Another font (DejaVu Serif) differs by 0.022, a weight of 0.9 in place of 1 by 0.027."""
SHEETS = os.environ.get("GANZOO_PICTURES") == "all"  # minutes of processor time


def documented():
    """The pages' pictures, each with the first command below it."""
    for page in PAGES:
        for found in PICTURE.finditer(page.read_text(encoding="utf-8")):
            yield page.parent / found["path"], (found["commands"] or "").partition("\n")[0]


SHOWN = list(documented())
MADE = {path.resolve(): shlex.split(line)[3:] for path, line in SHOWN if line.startswith(THEORY)}


def of_command(words):
    swept = words[0] == "-m"
    return command_of(words[swept:], swept=swept)


def small(path):
    """A picture as grey values in [0, 1], so small that letters hardly count."""
    with Image.open(path) as picture:
        size = WIDTH, round(WIDTH * picture.height / picture.width)
        return np.asarray(picture.convert("L").resize(size, Image.Resampling.BOX)) / 255


def difference(one, other):
    """The root of the mean squared difference of two pictures of almost one shape."""
    first, second = small(one), small(other)
    assert abs(len(first) - len(second)) <= 3
    rows = min(len(first), len(second))
    return float(np.sqrt(((first[:rows] - second[:rows]) ** 2).mean()))


@pytest.fixture
def draw(monkeypatch, tmp_path):
    def call(*words):
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(sys, "argv", ["ganzoo-theory", *words, "output=out", "name=picture"])
        main()
        return tmp_path / "out" / ("portraits.png" if words[0] == "-m" else "picture.png")

    return call


def test_every_picture_has_its_command_below_it():
    assert all(path.is_file() and command.startswith("python ") for path, command in SHOWN)
    shown = {path.resolve() for path, _ in SHOWN}
    assert shown == set((ROOT / "docs").rglob("*.png"))
    figures = {word for words in MADE.values() for word in words if word.startswith("figure=")}
    assert figures == {f"figure={name}" for name in own_choices("figure") if name != "analysis"}


@pytest.mark.parametrize(("path", "line"), SHOWN, ids=lambda value: Path(value).stem)
def test_a_picture_says_of_itself_what_made_it(path, line):
    if line.startswith(THEORY):
        with Image.open(path) as picture:
            assert picture.text["Description"] == of_command(shlex.split(line)[3:])


@pytest.mark.parametrize("path", sorted(MADE), ids=lambda path: path.stem)
def test_a_picture_is_what_its_command_makes(draw, path, capsys):
    words = [word for word in MADE[path] if word.partition("=")[0] not in ("output", "name")]
    if words[0] == "-m" and not SHEETS:
        pytest.skip("GANZOO_PICTURES=all draws sheets of portraits anew")
    assert difference(draw(*words), path) < TOLERANCE
    assert len(capsys.readouterr().out.splitlines()) > 5


def test_the_same_picture_with_another_weight_is_told_from_it(draw):
    (path,) = (path for path in MADE if path.stem == "dirac_r1")
    other = draw("loss=wasserstein", "penalty=r1", "penalty.r1.weight=0.9")
    assert difference(other, path) > TOLERANCE
