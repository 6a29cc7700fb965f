"""Penalties in a model: in whose steps they apply, and when, how often data pass, what resumes."""

import copy

import pytest
import torch
from lightning.pytorch import Callback
from lightning.pytorch.callbacks import ModelCheckpoint
from torch import nn

from ganzoo.errors import InputError
from ganzoo.models.conditional_gan import ConditionalGAN
from ganzoo.penalties import (
    R1,
    Orthogonal,
    PathLength,
    Penalty,
    SpectralNormPenalty,
    WeightClipping,
)

GENERATORS = ["path_length", "latent_diversity", "orthogonal", "moment_matching_bures"]
DISCRIMINATORS = ["r1", "lecam", "spectral", "consistency", "latent_consistency"]
ORTHOGONAL = {"weight": 1e-2, "interval": 1, "on": "generator", "layers": ["*"]}
ALL_OF_DISCRIMINATOR = {"interval": 1, "on": "discriminator", "layers": ["*"]}


class Counting(Penalty):
    """Keeps the contexts in which it is asked."""

    role = ""

    def __init__(self, **settings):
        super().__init__(**{"weight": 1.0, "on": "generator"} | settings)
        self.contexts = []

    def value(self, context):
        self.contexts.append(context)
        return context.generate(context.draw_latents(context.size)).square().mean()


@pytest.fixture
def penalties(make_penalty):
    return {name: make_penalty(name) for name in (*GENERATORS, *DISCRIMINATORS)}


def test_terms_are_logged_under_their_players(gan, trainer, batches, penalties):
    model = gan(penalties=penalties)
    trainer(2).fit(model, batches(8, 2))
    terms = set(model.latest_terms)
    assert {f"generator/{name}" for name in GENERATORS} < terms
    assert {f"discriminator/{name}" for name in DISCRIMINATORS} < terms
    assert not {f"discriminator/{name}" for name in GENERATORS} & terms


def test_a_players_loss_is_the_sum_of_its_terms(gan, trainer, batches, penalties):
    model = gan(penalties=penalties)
    trainer(3).fit(model, batches(8, 2))
    for player in ("discriminator", "generator"):
        terms = {k: v for k, v in model.latest_terms.items() if k.startswith(f"{player}/")}
        loss = terms.pop(f"{player}/loss")
        terms.pop(f"{player}/gradient_norm")
        # path_length applies in every eighth step: its last value stays among the terms
        terms.pop("generator/path_length", None)
        assert sum(terms.values()).item() == pytest.approx(loss.item(), rel=1e-5)


def test_a_generators_term_applies_by_the_generators_own_steps(gan, trainer, batches):
    """With two discriminator steps there are twice as many of the discriminator."""
    mine, theirs = Counting(interval=3), Counting(interval=3, on="discriminator")
    model = gan(penalties={"mine": mine, "theirs": theirs}, discriminator_steps=2)
    trainer(6).fit(model, batches(8, 2))
    assert len(mine.contexts) == 2  # steps 0 and 3 of 6
    assert len(theirs.contexts) == 4  # steps 0, 3, 6 and 9 of 12


def test_a_generators_term_moves_the_generator_and_nothing_else(gan, trainer, batches):
    runs = {}
    for weight in (0.0, 10.0):
        torch.manual_seed(0)
        path_length = PathLength(weight=weight, interval=1, decay=0.9)
        model = gan(penalties={"path_length": path_length})
        torch.manual_seed(1)
        trainer(1).fit(model, batches(8, 2))
        runs[weight] = model
    for name, moved in (("generator", True), ("discriminator", False)):
        pair = [torch.cat([p.flatten() for p in getattr(runs[w], name).parameters()]) for w in runs]
        assert torch.equal(*pair) != moved


def test_functions_carry_the_labels_of_as_many_real_samples(gan, trainer, batches):
    class Generator(nn.Linear):
        def forward(self, latents, labels):
            assert len(latents) == len(labels)
            return super().forward(latents) + labels[:, None]

    class Discriminator(nn.Linear):
        def forward(self, data, labels):
            assert len(data) == len(labels)
            return super().forward(data).squeeze(1) + labels

    penalty = Counting(interval=1)
    model = gan(
        ConditionalGAN,
        generator=Generator(4, 2),
        discriminator=Discriminator(2, 1),
        num_classes=3,
        penalties={"counting": penalty},
    )
    trainer(1).fit(model, batches(8, 2, labels=3))
    context = penalty.contexts[0]
    latents = torch.zeros(5, 4)
    made = context.generate(latents) - model.generator.bias
    labels = next(iter(batches(8, 2, labels=3)))[1]
    torch.testing.assert_close(made, labels[:5, None].expand(5, 2).float())
    assert context.score(context.real).shape == (8,)


def test_data_in_parts_leave_a_term_on_weights_as_it_is(gan, trainer, batches):
    terms = []
    for parts in (1, 4):
        torch.manual_seed(0)
        model = gan(penalties={"o": Orthogonal(**ORTHOGONAL)}, micro_batches=parts)
        trainer(1).fit(model, batches(8, 2))
        terms.append(model.latest_terms["generator/o"])
    torch.testing.assert_close(*terms)


@pytest.mark.parametrize("player", ["discriminator", "generator"])
def test_clipping_bounds_one_player_in_any_game(gan, trainer, batches, player):
    model = gan(penalties={"clipping": WeightClipping(clip_value=1e-3, on=player)})
    trainer(2).fit(model, batches(8, 2))
    other = {"discriminator": model.generator, "generator": model.discriminator}[player]
    assert max(p.abs().max() for p in getattr(model, player).parameters()) <= 1e-3
    assert max(p.abs().max() for p in other.parameters()) > 0.1
    assert f"{player}/clipping" not in model.latest_terms


def test_a_penalty_of_nobody_is_refused(gan):
    with pytest.raises(InputError, match="penalty o: no player is named 'generater': did you mean"):
        gan(penalties={"o": Orthogonal(**ORTHOGONAL | {"on": "generater"})})


def test_a_penalty_on_a_player_that_it_cannot_act_on_is_refused(gan):
    message = "penalty r1 acts on a discriminator, and generator is none: set penalty.r1.on=disc"
    with pytest.raises(InputError, match=message):
        gan(penalties={"r1": R1(weight=1.0, interval=1, on="generator")})


def test_a_layer_that_is_not_there_is_refused_before_training(gan):
    with pytest.raises(InputError, match="no layer is named 'output'"):
        gan(penalties={"o": Orthogonal(**ORTHOGONAL | {"layers": ["output"]})})


def test_spectral_regularisation_shrinks_the_norms_of_a_discriminator(gan, trainer, batches):
    norms = {}
    for weight in (0.0, 1.0):
        torch.manual_seed(0)
        spectral = SpectralNormPenalty(weight=weight, power_iterations=1, **ALL_OF_DISCRIMINATOR)
        model = gan(penalties={"spectral": spectral})
        trainer(150).fit(model, batches(8, 2))
        layers = [m for m in model.discriminator.modules() if isinstance(m, nn.Linear)]
        norms[weight] = max(torch.linalg.matrix_norm(m.weight, 2).item() for m in layers)
    assert norms[1.0] < 0.9 * norms[0.0]


def test_a_resumed_run_ends_as_one_that_was_never_stopped(
    gan, trainer, batches, make_penalty, tmp_path
):
    """Running means and singular vectors go on, for both players, bit for bit."""

    def model():
        torch.manual_seed(0)
        names = (*GENERATORS, *DISCRIMINATORS)
        built = {name: make_penalty(name, interval=2) for name in names}
        return gan(penalties=built, discriminator_steps=2)

    def fit(steps, **more):
        torch.manual_seed(1)
        run = trainer(
            steps,
            enable_checkpointing=True,
            callbacks=[ModelCheckpoint(dirpath=tmp_path / str(steps), every_n_train_steps=1)],
        )
        game = model()
        run.fit(game, Skipping(batches(8, 2), more.pop("skip", 0)), **more)
        return game, run.checkpoint_callback.best_model_path

    whole, _ = fit(6)
    _, path = fit(3)
    resumed, _ = fit(6, ckpt_path=path, weights_only=False, skip=3)
    state = whole.state_dict()
    assert {"penalties.path_length.average.mean", "penalties.spectral.right_vector_0"} <= set(state)
    for name, value in resumed.state_dict().items():
        assert torch.equal(value, state[name]), name


class Skipping:
    """The dataloader without the batches that the run has had, as the data module gives them."""

    def __init__(self, data, count):
        self.data, self.count = data, count

    def __iter__(self):
        stream = iter(self.data)
        for _ in range(self.count):
            next(stream)
        return stream


class Watched(nn.Module):
    """Keeps the size of each batch that it is shown and the type of its logits."""

    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(2, 16), nn.Tanh(), nn.Linear(16, 1))
        self.seen = []

    def forward(self, data):
        logits = self.layers(data).squeeze(1)
        self.seen.append((len(data), logits.dtype))
        return logits


PASSES = {  # of the discriminator's step, in which the loss makes one of real and one of fakes
    (): 2,
    ("r1",): 2,
    ("r2",): 2,
    ("r1", "r2"): 2,
    ("r1", "lecam"): 2,
    ("consistency",): 3,
    ("balanced_consistency",): 4,
    ("approximate_r1", "r1"): 3,
    ("gradient_penalty",): 3,
}


@pytest.mark.parametrize("names", PASSES, ids=" and ".join)
def test_penalties_on_data_of_the_loss_share_its_passes(gan, trainer, batches, make_penalty, names):
    network = Watched()
    model = gan(
        discriminator=network, penalties={name: make_penalty(name, interval=1) for name in names}
    )
    trainer(1).fit(model, batches(8, 2))
    network.seen.clear()
    for player in model.players:
        player.compute_gradients()
        assert [count for count, _ in network.seen] == [8] * {
            "discriminator": PASSES[names],
            "generator": 1,
        }[player.name]
        network.seen.clear()


@pytest.mark.parametrize("names", [("r1",), ("r2",), ("r1", "r2")], ids=" and ".join)
def test_in_mixed_precision_the_pass_that_is_differentiated_twice_is_in_float32(
    gan, trainer, batches, make_penalty, names
):
    """And no other; the term is that of float64, to float32's rounding."""
    torch.manual_seed(0)
    network = Watched()
    model = gan(
        discriminator=network,
        penalties={name: make_penalty(name, interval=2, weight=1.0) for name in names},
        optimizers=lambda parameters: torch.optim.SGD(parameters, lr=0.0),
    )
    fakes = []
    model.generator.register_forward_hook(lambda module, inputs, data: fakes.append(data.detach()))
    seen = []

    class Steps(Callback):
        def on_train_batch_start(self, trainer, model, *_):
            network.seen.clear()
            fakes.clear()

        def on_train_batch_end(self, trainer, model, outputs, batch, batch_idx):
            terms = {name: model.latest_terms[f"discriminator/{name}"] for name in names}
            kinds = [kind for _, kind in network.seen[-3:]]  # before the first, a look at the data
            seen.append((kinds, fakes[-2], batch[0], terms))

    trainer(2, precision="bf16-mixed", callbacks=[Steps()]).fit(model, batches(8, 2))
    (with_term, fake, real, terms), (without, *_) = seen
    half, full = torch.bfloat16, torch.float32
    of_step = [full if "r1" in names else half, full if "r2" in names else half]
    assert with_term == [*of_step, half]
    assert without == [half] * 3
    exact = copy.deepcopy(network).double()
    for name, data in (("r1", real), ("r2", fake)):
        if name in names:
            points = data.double().requires_grad_()
            (gradients,) = torch.autograd.grad(exact(points).sum(), points)
            expected = 2 * gradients.square().sum(1).mean() / 2  # an interval of 2
            assert terms[name].dtype == torch.float32
            assert terms[name].item() == pytest.approx(expected.item(), rel=1e-5)
