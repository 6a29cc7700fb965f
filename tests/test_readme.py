"""The README's Python runs."""

import re

import torch

from ganzoo.configs import config_directory

README = config_directory().parent / "README.md"
# One block after another, as a reader would; what needs a run that is there has tests of its own.
BLOCKS = [
    block
    for block in re.findall(r"^```python\n(.*?)^```$", README.read_text(), re.M | re.S)
    if "runs/latest" not in block
]


def test_every_block_runs(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    torch.manual_seed(0)
    names = {}
    for block in BLOCKS:
        exec(compile(block, str(README), "exec"), names)
    assert abs(names["x"][0].item()) < 0.1, "extragradient comes near the solution"
    assert float(names["trainer"].callback_metrics["fid"]) < 9, "3 epochs are better than none"
