"""Weights in half and double precision: what is cast, what stays exact, what is refused."""

from functools import partial

import pytest
import torch
from torch import nn

from ganzoo.errors import InputError
from ganzoo.game.averaging import ExponentialMovingAverage
from ganzoo.game.finite import NonFiniteError
from ganzoo.optim.consensus import ConsensusOptimization
from ganzoo.optim.lookahead import Lookahead

SGD = partial(torch.optim.SGD, lr=0.1)


def spectral():
    layer = nn.utils.parametrizations.spectral_norm(nn.Linear(2, 8, bias=False))
    return nn.Sequential(layer, nn.LeakyReLU(0.2), nn.Linear(8, 1), nn.Flatten(0))


@pytest.mark.parametrize("way", ["double", "bfloat16", "half"])
def test_layers_take_float32_and_samples_are_float32(gan, trainer, batches, way):
    model = gan(
        discriminator=spectral(), optimizers=dict.fromkeys(("generator", "discriminator"), SGD)
    )
    getattr(model, way)()
    trainer(2).fit(model, batches(8, 2))
    kind = getattr(torch, {"double": "float64", "half": "float16"}.get(way, way))
    assert {weight.dtype for weight in model.parameters()} == {kind}
    assert model.sample(3).dtype == torch.float32
    casts = len(model._casts)
    getattr(model, way)()
    assert len(model._casts) == casts  # once for each layer, however often it was moved
    assert not model.float()._casts
    assert not any(module._forward_pre_hooks for module in model.generator.modules())


def test_an_average_of_half_precision_weights_is_exact(gan, trainer, batches):
    """A weight of 1 in bfloat16 has no neighbour nearer than 0.0078."""
    model = gan(ema=partial(ExponentialMovingAverage, decay=0.999, start_step=0)).bfloat16()
    (averaged,) = list(model.ema["generator"].network[0].parameters())[:1]
    start = averaged.clone()
    trainer(1).fit(model, batches(8, 2))
    assert averaged.dtype == torch.float32
    weight = model.generator[0].weight.float()
    torch.testing.assert_close(averaged, start.lerp(weight, 0.001), rtol=0, atol=1e-7)
    assert not torch.equal(averaged, start)


def test_rules_that_differentiate_twice_need_float32(gan, trainer, batches):
    model = gan(
        update_rule=ConsensusOptimization(weight=0.1),
        lookahead=partial(Lookahead, steps=2, weight=0.5),
    )
    with pytest.raises(
        InputError, match="ConsensusOptimization differentiates gradients, which needs"
    ):
        trainer(1, precision="bf16-true").fit(model, batches(8, 2))


def test_an_overflow_of_float16_is_told_what_to_do(gan, trainer, batches):
    class Huge(nn.Linear):
        def forward(self, data):
            return super().forward(data).squeeze(1) * 1e5

    model = gan(
        discriminator=Huge(2, 1), optimizers=dict.fromkeys(("generator", "discriminator"), SGD)
    )
    with pytest.raises(NonFiniteError, match="at step 0 .float16 ends at 65504: set trainer.prec"):
        trainer(1).fit(model.half(), batches(8, 2))
