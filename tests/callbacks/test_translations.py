"""Pictures of translations in training."""

import pytest
import torch
from PIL import Image

from ganzoo.callbacks.translations import Translations
from ganzoo.composition.compose import build, compose_config

SMALL = {
    "pix2pix": ("dataset=digits_edges",),
    "cycle_gan": ("network.generator.blocks=1", "dataset=digits_negatives"),
}


def composed(name):
    small = [f"network.{player}.width=8" for player in ("generator", "discriminator")]
    return compose_config([f"model={name}", *SMALL[name], *small, "dataset.batch_size=4"])


@pytest.fixture(params=SMALL)
def config(request):
    return composed(request.param)


def test_rows_of_sources_translations_and_what_there_is_to_compare(config, trainer, tmp_path):
    torch.manual_seed(0)
    model, data = build(config.model), build(config.dataset.datamodule)
    drawn = Translations(folder=tmp_path, every_n_steps=2, samples=3)
    trainer(3, callbacks=[drawn]).fit(model, datamodule=data)
    assert [path.name for path in sorted(tmp_path.iterdir())] == ["00000002.png", "00000003.png"]
    with Image.open(tmp_path / "00000003.png") as picture:
        wide, high = picture.size
    rows = 3 * len(model.translators())  # source, translation, and target or the way back
    assert high > 8 * rows and wide > 8 * 3


def test_others_are_left_alone(trainer, tmp_path, gan, batches):
    drawn = Translations(folder=tmp_path / "none", every_n_steps=1, samples=2)
    trainer(2, callbacks=[drawn]).fit(gan(), batches(16, 2))
    assert not (tmp_path / "none").exists()
