"""Every augmentation with every model on points and on images plays two iterations, or is refused.

As in test_cells a trainer seats each model at its game once, and its augmentations are exchanged;
the suite plays one pair in 3, with GANZOO_CELLS=all all of them.
"""

import os
import re

import pytest
from omegaconf import OmegaConf

import ganzoo
from ganzoo.augment.base import as_augmentations
from ganzoo.composition.compatibility import DATASET_OF_KIND, part_config
from ganzoo.composition.compose import build, compose_config, group_choices
from ganzoo.errors import InputError
from tests.contract.small import WITH_LATENTS, WITHOUT_LATENTS
from tests.contract.test_cells import REFUSED as MODELS_OF_IMAGES
from tests.contract.test_cells import after_one_iteration

STRIDE = 1 if os.environ.get("GANZOO_CELLS") == "all" else 3
AUGMENTATIONS = group_choices("augment")
# Those that show changes to a discriminator; test_every_setting has the line for the others.
MODELS = [
    name
    for name in (*WITH_LATENTS, *WITHOUT_LATENTS)
    if "augmentations" in compose_config([f"model={name}"]).model
]
OF_IMAGES = re.compile("ada.*|diff_augment.*|horizontal_flip|shift")
JUDGES_CODES = {"adversarial_autoencoder"}
REFUSED = {("semi_supervised_gan", "apa"): "leave augment=apa out"}


def is_refused(model, kind, augmentation):
    """Whether the augmentation is of images, and the discriminator judges none."""
    judges_images = kind == "images" and model not in JUDGES_CODES
    return not judges_images and OF_IMAGES.fullmatch(augmentation) is not None


def made(augmentation):
    """What a choice builds, as it is in the middle of a run."""
    parts = part_config("augment", augmentation).get("augment") or {}
    for one in parts.values():
        if OmegaConf.is_dict(one.get("probability")):
            one.probability.first = 0.5
        if "end" in one:
            one.end = 10
    return as_augmentations(build(parts))


def exchange(game, weights, augmentations):
    """Play on with other augmentations, from the weights of the beginning."""
    game.augmentations = augmentations
    game.complete()
    game.on_train_start()
    game.load_state_dict(weights, strict=False)
    game.latest.values.clear()


def cells():
    for model in MODELS:
        for kind in DATASET_OF_KIND if model in WITH_LATENTS else ["images"]:
            if (model, kind) not in MODELS_OF_IMAGES:
                yield model, kind


@pytest.mark.parametrize(("model", "kind"), cells())
def test_every_pair_plays_or_is_refused(model, kind, trainer):
    game, batch, weights = after_one_iteration(model, kind, trainer)
    before = game.augmentations
    try:
        play_all(game, batch, weights, model, kind)
    finally:  # other tests play on with it
        exchange(game, weights, before)


def play_all(game, batch, weights, model, kind):
    for augmentation in AUGMENTATIONS[MODELS.index(model) % STRIDE :: STRIDE]:
        if (model, augmentation) in REFUSED:
            continue
        exchange(game, weights, made(augmentation))
        if is_refused(model, kind, augmentation):
            with pytest.raises(InputError, match="changes images") as error:
                game.training_step(batch, 0)
            assert "\n" not in str(error.value)
            continue
        for index in range(2):
            game.training_step(batch, index)
        assert all(term.isfinite() for term in game.latest_terms.values()), augmentation
        adapts = any(hasattr(one, "adapt") for one in game.augmentations.modules())
        logged = any("augmentation_probability" in name for name in game.latest_terms)
        assert logged == adapts, augmentation


@pytest.mark.parametrize(("model", "augmentation"), REFUSED)
def test_what_a_model_refuses(model, augmentation):
    with pytest.raises(InputError, match=REFUSED[model, augmentation]):
        ganzoo.create_model(model, dataset="digits", overrides=[f"augment={augmentation}"])
