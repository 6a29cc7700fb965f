"""Pictures of translations in training, and translations of a folder."""

from functools import partial

import pytest
import torch
from PIL import Image

from ganzoo import create_model
from ganzoo.callbacks.translations import Translations
from ganzoo.composition.compose import build, compose_config
from ganzoo.errors import InputError
from ganzoo.translation import translate_folder

SMALL = {
    "pix2pix": ("network.generator.downsamplings=3", "dataset=digits_edges"),
    "cycle_gan": ("network.generator.blocks=1", "dataset=digits_negatives"),
}
PATCHES = ("network.discriminator.downsamplings=1", "network.discriminator.width=8")


def composed(name):
    own = (*SMALL[name], *PATCHES, "network.generator.width=8", "dataset.batch_size=4")
    return compose_config([f"model={name}", *own])


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


def test_a_folder_is_translated_at_the_sizes_that_it_has(tmp_path):
    own = (*SMALL["cycle_gan"][:1], *PATCHES, "network.generator.width=8")
    model = create_model("cycle_gan", dataset="digits_negatives", overrides=own)
    pictures = tmp_path / "pictures"
    (pictures / "inside").mkdir(parents=True)
    for name, size in (("one.png", (8, 12)), ("inside/two.jpg", (16, 8))):
        Image.new("RGB", size, (200, 30, 90)).save(pictures / name)
    translate = partial(translate_folder, model, pictures, tmp_path / "out", averaged=True)
    written = translate(to="b")
    assert sorted(path.name for path in written) == ["one.png", "two.png"]
    with Image.open(tmp_path / "out" / "one.png") as picture:
        assert (picture.size, picture.mode) == ((8, 12), "L")
    with pytest.raises(InputError, match="does not translate to 'c'"):
        translate(to="c")
    Image.new("RGB", (9, 8)).save(pictures / "odd.png")
    with pytest.raises(InputError, match=r"odd\.png: .* multiples of \d.*, not 8x9$"):
        translate(to="b")
