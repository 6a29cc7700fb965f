"""StyleGAN2: mixed styles; terms are checked in tests/reference, parts in their own tests."""

from functools import partial

import pytest
import torch
from torch.utils.data import DataLoader

from ganzoo.errors import InputError
from ganzoo.models.stylegan2 import StyleGAN2
from ganzoo.networks.latents import Normal
from ganzoo.networks.mlp import MLPGenerator
from ganzoo.networks.style import StyleGenerator
from ganzoo.networks.style_discriminator import StyleDiscriminator
from ganzoo.penalties.path_length import PathLength
from ganzoo.penalties.zero_centered import R1

SIZES = {"shape": [1, 16, 16], "width": 4, "max_width": 4}


def model(num_classes=None, **settings):
    torch.manual_seed(0)
    usual = {
        "generator": StyleGenerator(
            latent_dim=4, style_dim=6, mapping_layers=1, num_classes=num_classes, **SIZES
        )
    }
    return StyleGAN2(
        discriminator=StyleDiscriminator(num_classes=num_classes, mapping_layers=1, **SIZES),
        latent_prior=Normal(latent_dim=4),
        num_classes=num_classes,
        optimizers=partial(torch.optim.Adam, lr=1e-3, betas=(0.0, 0.99)),
        penalties={
            "r1": R1(weight=0.5, interval=2),
            "path_length": PathLength(weight=2.0, interval=2),
        },
        **{**usual, **settings},
    )


def styles_shown(mine, count):
    """The styles that the synthesis is given in several training passes, [count, B, L, W]."""
    seen = []
    handle = mine.generator.synthesis.register_forward_pre_hook(
        lambda module, inputs: seen.append(inputs[0].detach())
    )
    torch.manual_seed(1)
    for _ in range(count):
        mine.generate_mixed(torch.ones(2, 4))
    handle.remove()
    return torch.stack(seen)


def test_styles_of_later_layers_come_from_other_latents():
    mine = model(style_mixing=1.0)
    own = mine.generator.mapping(torch.ones(2, 4))
    kept = (styles_shown(mine, 300) == own).all(dim=3)[:, 0]
    firsts = kept.sum(dim=1)
    layers = own.shape[1]
    assert all(
        bool(row[:n].all()) and not row[n:].any() for row, n in zip(kept, firsts, strict=True)
    )
    shares = torch.bincount(firsts, minlength=layers) / len(firsts)
    assert shares[0] == 0
    torch.testing.assert_close(
        shares[1:], torch.full((layers - 1,), 1 / (layers - 1)), atol=0.08, rtol=0
    )


def test_a_share_of_steps_has_mixed_styles_and_samples_have_none():
    mine = model(style_mixing=0.3)
    own = mine.generator.mapping(torch.ones(2, 4))
    mixed = (styles_shown(mine, 300) != own).flatten(1).any(dim=1).float().mean()
    assert float(mixed) == pytest.approx(0.3, abs=0.08)
    always = model(style_mixing=1.0)
    assert torch.equal(always.sample(4, seed=0), mine.sample(4, seed=0))


@pytest.mark.parametrize("num_classes", [None, 3])
def test_it_trains_with_its_lazy_penalties(trainer, num_classes):
    mine, labels = model(num_classes, style_mixing=0.9), torch.arange(12) % 3
    data = torch.rand(12, 1, 16, 16, generator=torch.Generator().manual_seed(1)) * 2 - 1
    run = trainer(3)
    run.fit(mine, DataLoader(torch.utils.data.TensorDataset(data, labels), batch_size=4))
    assert {"discriminator/r1", "generator/path_length"} <= set(run.callback_metrics)
    assert all(value.isfinite() for value in run.callback_metrics.values())
    given = {"labels": [2]} if num_classes else {}
    assert mine.sample(4, seed=0, truncation=0.5, **given).isfinite().all()


def test_what_it_refuses():
    with pytest.raises(InputError, match="style_mixing must be at least 0 and at most 1"):
        model(style_mixing=1.5)
    with pytest.raises(InputError, match="MLPGenerator has none: choose network=style"):
        model(generator=MLPGenerator(latent_dim=4, shape=[1, 16, 16]))
