"""The example of docs/metrics.md of a metric in a Trainer of one's own."""

import re
from pathlib import Path

import torch

from ganzoo.metrics import FrechetDistance

PAGE = Path(__file__).parents[2] / "docs" / "metrics.md"


def test_the_example_of_the_page_measures_uint8_images(capsys):
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(), flags=re.DOTALL)
    (example,) = [block for block in blocks if "uint8" in block]
    names = {"__name__": "page"}
    torch.manual_seed(0)
    exec(example, names)
    found = names["trainer"].callback_metrics["fid"].item()
    assert any("fid" in text for text in capsys.readouterr())
    model, images = names["trainer"].lightning_module, names["images"]
    alone = FrechetDistance()
    with torch.no_grad():
        fake = model.generator(torch.randn(200, 8)).view(-1, 3, 32, 32)
    alone.update(model.features(images.float() / 127.5 - 1), real=True)
    alone.update(model.features(fake), real=False)
    assert found > 0.1 and abs(found - alone.compute()["fid"].item()) < 0.2 * found
