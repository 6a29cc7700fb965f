"""The Python of docs/adversarial-term.md runs, and trains what it says."""

import re

import torch
from torch.nn import functional

from ganzoo.configs import config_directory

PAGE = config_directory().parent / "docs" / "adversarial-term.md"
BLOCKS = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(), re.M | re.S)


def test_the_modules_of_the_page_learn_with_the_term():
    torch.manual_seed(0)
    names = {}
    for block in BLOCKS:
        exec(compile(block, str(PAGE), "exec"), names)
    for module in (names["autoencoder"], names["alternating"]):
        fake = module.decoder(module.encoder(names["digits"]))
        assert functional.l1_loss(fake, names["digits"]) < 0.28, "the mean digit has 0.39"
        assert 0 < module.trainer.callback_metrics["weight"] < 0.8e4
        logits = [module.adversarial.discriminator(data) for data in (names["digits"], fake)]
        assert logits[0].mean() > logits[1].mean(), "the discriminator has learnt as well"
