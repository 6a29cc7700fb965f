"""Settings for small runs of every model, and what each of them makes."""

import functools

import torch

from ganzoo.composition.compose import compose_config, group_choices

_PATCHES = ("network.discriminator.width=8",)
# Models without latents: the data that each is for, and networks that are small enough.
WITHOUT_LATENTS = {
    "pix2pix": (
        "dataset=digits_edges",
        "network.generator.width=8",
        *_PATCHES,
    ),
    "cycle_gan": (
        "dataset=digits_negatives",
        "network.generator.width=8",
        "network.generator.blocks=1",
        "model.pool.size=10",
        *_PATCHES,
    ),
    "vqgan": (
        "dataset=digits",
        "network.encoder.width=8",
        "network.encoder.z_channels=8",
        "network.encoder.groups=4",
        "network.quantizer.num_codes=16",
        "model.adversarial_start=1",
        *_PATCHES,
    ),
}
OF_PICTURES = ("dcgan", "r3gan", "stylegan2")
"""Models that are told latents and refuse points."""
PLAYERS = ("generator", "discriminator", "encoder")
WITH_LATENTS = [name for name in group_choices("model") if name not in WITHOUT_LATENTS]


@functools.cache
def on_pictures(model):
    """The words of the command line for a small model of small pictures."""
    return f"model={model}", *(WITHOUT_LATENTS.get(model) or _narrow(model))


def _narrow(model):
    parts = compose_config([f"model={model}", "dataset=digits"]).network
    wide = [name for name in PLAYERS if "width" in parts.get(name, {})]
    quick = "metrics.features.classifier.training.steps=1"
    return "dataset=digits", quick, *(f"network.{name}.width=8" for name in wide)


def made(model, seed=0):
    """A few samples, translations or reconstructions, the same for the same seed and weights."""
    if hasattr(model, "sample"):
        return model.sample(3, seed=seed)
    images = torch.rand(3, 1, 8, 8, generator=torch.Generator().manual_seed(seed)) * 2 - 1
    if hasattr(model, "translate"):
        return torch.cat([model.translate(images, to=domain) for domain in model.translators()])
    return model.reconstruct(images)
