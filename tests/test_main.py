"""All commands as one program, and what they do not import."""

import subprocess
import sys

import pytest

import ganzoo
from ganzoo import __main__ as program

WITHOUT_TORCH = """
import contextlib, io, sys
def said(module, *words):
    sys.argv = [module, *words]
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            __import__(module, fromlist=["main"]).main()
        except SystemExit as stop:
            assert stop.code in (0, 1)
    return out.getvalue() + err.getvalue()
for words in [
    ("ganzoo.__main__", "--help"), ("ganzoo.zoo", "wgan_gp"), ("ganzoo.zoo", "sngan"),
    ("ganzoo.train", "--cfg", "job"), ("ganzoo.train", "model=wgann"), ("ganzoo.train", "seed=-1"),
    ("ganzoo.train", "trainer.max_steps=abc"), ("ganzoo.evaluate", "sedes=3"),
    ("ganzoo.sample", "n=3"), ("ganzoo.theory.__main__", "game=dirack"),
]:
    print(words, said(*words).strip().splitlines()[-1][:100], "torch" in sys.modules)
"""


@pytest.fixture
def called(monkeypatch, capsys):
    """Type a command line; return its exit code, what it printed, and the command that ran."""

    def call(*words):
        ran = []
        monkeypatch.setattr(program, "_run", lambda name: ran.append((name, sys.argv[1:])))
        monkeypatch.setattr(sys, "argv", ["ganzoo", *words])
        code = 0
        try:
            program.main()
        except SystemExit as stop:
            code = stop.code
        out, err = capsys.readouterr()
        return code, out + err, ran

    return call


def test_without_a_command_they_are_listed(called):
    code, said, ran = called()
    assert code == 0 and ran == [] and called("--help") == (code, said, ran)
    for name in program.COMMANDS:
        assert f"\n  {name} " in said


@pytest.mark.parametrize(
    ("words", "ran"),
    [
        (["train", "model=gan"], ("train", ["model=gan"])),
        (["model=gan"], ("train", ["model=gan"])),
        (["-m", "seed=0,1"], ("train", ["-m", "seed=0,1"])),
        (["zoo", "--help"], ("zoo", ["--help"])),
    ],
)
def test_the_first_word_is_the_command_and_settings_alone_train(called, words, ran):
    assert called(*words) == (0, "", [ran])


def test_other_words(called):
    assert called("--version") == (0, f"ganzoo {ganzoo.__version__}\n", [])
    code, said, _ = called("trian")
    assert code == 1 and said == "ganzoo: unknown command 'trian': did you mean 'train'?\n"


def test_what_needs_no_torch_does_not_import_it(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_TORCH], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.stderr == ""
    lines = [line for line in done.stdout.splitlines() if line.startswith("(")]
    assert len(lines) == 10
    assert [line for line in lines if not line.endswith("False")] == []
    assert [line for line in lines if "did you mean" in line] != []
    assert list(tmp_path.iterdir()) == []


def test_a_reader_that_goes_away_is_no_error(tmp_path):
    """As with ``| head -1``."""
    words = [sys.executable, "-m", "ganzoo.train", "--help"]
    with subprocess.Popen(
        words, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as command:
        command.stdout.close()
        assert command.stderr.read() == b""
    assert command.returncode == 141


def test_the_public_names_are_shown_and_documented():
    assert set(ganzoo.__all__) <= set(dir(ganzoo))
    assert not {"Any", "TYPE_CHECKING"} & set(dir(ganzoo))
    for name in ("create_model", "load", "transfer"):
        assert name in ganzoo.__doc__ and getattr(ganzoo, name).__doc__
