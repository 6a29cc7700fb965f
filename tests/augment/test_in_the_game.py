"""What the discriminator is shown in the game, by whichever player."""

import pytest
import torch
from torch import nn

import ganzoo
from ganzoo.augment import Augmentation, AugmentationPipe, InstanceNoise
from ganzoo.augment.base import as_augmentations
from ganzoo.augment.replay import ReplayBuffer
from ganzoo.errors import InputError
from ganzoo.penalties import R1, Context


class Add(Augmentation):
    def __init__(self, number):
        super().__init__()
        self.number = number

    def forward(self, data):
        return data + self.number


class Double(Augmentation):
    def forward(self, data):
        return data * 2


def test_augmentations_come_in_their_order():
    both = as_augmentations({"first": Add(1), "second": Double()})
    assert both(torch.ones(3, 2)).unique().tolist() == [4.0]
    own = as_augmentations({"first": Double(), "second": lambda data: data + 1})
    assert own(torch.ones(3, 2)).unique().tolist() == [3.0]


@pytest.mark.parametrize(("unit", "end"), [("iterations", 4), ("images", 32)])
def test_noise_follows_the_iterations_or_the_images_shown(gan, trainer, batches, unit, end):
    noise = InstanceNoise(deviation=1.0, end=end, unit=unit)
    model = gan(augmentations={"noise": noise}, discriminator_steps=2)
    trainer(3).fit(model, batches(8, 2))
    assert noise.present == 0.5, "in the third iteration, whose number is 2"


class Watching(nn.Module):
    """A discriminator that keeps what it is shown."""

    def __init__(self, features):
        super().__init__()
        self.layer, self.seen = nn.Linear(features, 1), []

    def forward(self, data):
        self.seen.append(data.detach().clone())
        return self.layer(data).squeeze(1)


def test_losses_penalties_and_both_players_see_what_is_shown(gan, trainer, batches):
    network = Watching(6)
    model = gan(
        discriminator=network,
        augmentations={"far": Add(100.0)},
        packing=3,
        penalties={"r1": R1(weight=1.0, interval=1)},
    )
    trainer(1).fit(model, batches(6, 2))
    assert {tuple(data.shape) for data in network.seen} == {(2, 6)}
    assert all((data > 50).all() for data in network.seen)
    assert len(network.seen) == 1 + 2 + 1, "one look, real and generated, the generator's step"


def test_penalties_differentiate_through_the_pipe_by_the_images_before_it(gan):
    """One pass for each side serves loss and penalties; the gradient is that of differences."""
    network = nn.Sequential(nn.Flatten(), nn.Linear(75, 8), nn.Tanh(), nn.Linear(8, 1))
    pipe, passes = AugmentationPipe(probability=0.9), []
    pipe.register_forward_hook(lambda *_: passes.append(1))
    model = gan(discriminator=network, augmentations={"ada": pipe}).double()
    images = torch.rand(2, 4, 3, 5, 5, dtype=torch.float64)
    context = Context(real=images[0], fake=images[1], outputs=model.score)
    context.differentiated |= {"real", "fake"}
    torch.manual_seed(1)
    model.loss.discriminator(context.real_logits, context.fake_logits)
    penalty = R1(weight=2.0, interval=1)(context)
    gradients = context.input_gradients("real")
    context.input_gradients("fake")
    assert len(passes) == 2

    def logits(data):
        torch.manual_seed(1)
        return model.score(data)

    for direction in torch.randn(5, *images[0].shape, dtype=torch.float64):
        step = 1e-5 * direction
        slope = (logits(images[0] + step) - logits(images[0] - step)) / 2e-5
        torch.testing.assert_close((gradients * direction.flatten(1)).sum(1), slope)
    assert penalty.item() == pytest.approx(gradients.square().sum(dim=1).mean().item())
    penalty.backward()
    assert network[1].weight.grad.norm() > 0


def test_the_pool_is_used_in_the_discriminators_steps_only(gan, trainer, batches):
    replay = ReplayBuffer(size=4, share=0.5, shape=[2])
    trainer(3).fit(gan(replay=replay), batches(8, 2))
    assert replay.count == 4
    before = replay.pool.clone()
    trainer(1).fit(gan(replay=replay), batches(8, 2))
    assert (replay.pool != before).any(1).sum() == 4, "4 places, and not 8, for half of 8 samples"


@pytest.mark.parametrize("setting", [["packing=2"], ["augment.replay=buffer"]])
def test_models_with_classes_refuse_what_parts_samples_from_labels(setting):
    with pytest.raises(InputError, match=setting[0].split("=")[0]):
        ganzoo.create_model("conditional_gan", dataset="digits", overrides=setting)
