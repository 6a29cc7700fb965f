"""Penalties as the game plays them: whose turn they belong to, when they are due, what resumes."""

import pytest
import torch
from lightning.pytorch.callbacks import ModelCheckpoint
from torch import nn

from ganzoo.errors import InputError
from ganzoo.models.conditional_gan import ConditionalGAN
from ganzoo.penalties import (
    R1,
    GamePenalty,
    Orthogonal,
    PathLength,
    SpectralNormPenalty,
    WeightClipping,
)

GENERATORS = ["path_length", "latent_diversity", "orthogonal", "moment_matching_bures"]
DISCRIMINATORS = ["r1", "lecam", "spectral", "consistency", "latent_consistency"]
ORTHOGONAL = {"weight": 1e-2, "interval": 1, "player": "generator", "layers": ["*"]}
ALL_OF_DISCRIMINATOR = {"interval": 1, "player": "discriminator", "layers": ["*"]}


class Counting(GamePenalty):
    """Keeps the numbers of the updates at which it is asked, and what it sees."""

    player = "generator"

    def __init__(self, **numbers):
        super().__init__(weight=1.0, **numbers)
        self.scenes = []

    def value(self, scene):
        self.scenes.append(scene)
        return scene.generator(scene.latents(len(scene.real))).square().mean()


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
        # path_length is due in every eighth update: its last value stays among the terms
        terms.pop("generator/path_length", None)
        assert sum(terms.values()).item() == pytest.approx(loss.item(), rel=1e-5)


def test_a_generators_term_is_due_by_the_generators_own_updates(gan, trainer, batches):
    """With two discriminator steps there are twice as many updates of the discriminator."""
    mine, theirs = Counting(interval=3), Counting(interval=3)
    theirs.player = "discriminator"
    model = gan(penalties={"mine": mine, "theirs": theirs}, discriminator_steps=2)
    trainer(6).fit(model, batches(8, 2))
    assert len(mine.scenes) == 2  # updates 0 and 3 of 6
    assert len(theirs.scenes) == 4  # updates 0, 3, 6 and 9 of 12


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
    scene = penalty.scenes[0]
    latents = torch.zeros(5, 4)
    made = scene.generator(latents) - model.generator.bias
    labels = next(iter(batches(8, 2, labels=3)))[1]
    torch.testing.assert_close(made, labels[:5, None].expand(5, 2).float())
    assert scene.discriminator(scene.real).shape == (8,)


def test_accumulation_leaves_a_term_on_weights_as_it_is(gan, trainer, batches):
    terms = []
    for parts in (1, 4):
        torch.manual_seed(0)
        model = gan(penalties={"o": Orthogonal(**ORTHOGONAL)}, micro_batches=parts)
        trainer(1).fit(model, batches(8, 2))
        terms.append(model.latest_terms["generator/o"])
    torch.testing.assert_close(*terms)


@pytest.mark.parametrize("player", ["discriminator", "generator"])
def test_clipping_bounds_one_player_in_any_game(gan, trainer, batches, player):
    model = gan(penalties={"clipping": WeightClipping(clip_value=1e-3, player=player)})
    trainer(2).fit(model, batches(8, 2))
    other = {"discriminator": model.generator, "generator": model.discriminator}[player]
    assert max(p.abs().max() for p in getattr(model, player).parameters()) <= 1e-3
    assert max(p.abs().max() for p in other.parameters()) > 0.1
    assert f"{player}/clipping" not in model.latest_terms


def test_a_penalty_of_nobody_is_refused(gan, trainer, batches):
    model = gan(penalties={"o": Orthogonal(**ORTHOGONAL | {"player": "generater"})})
    with pytest.raises(InputError, match="penalty o: no player is named 'generater': did you mean"):
        trainer(1).fit(model, batches(8, 2))


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


def test_r1_is_as_it_was(gan, trainer, batches):
    """A penalty of the discriminator alone is called as before, with nothing but its outputs."""
    seen = []

    class Watched(R1):
        def forward(self, discriminator, real, fake):
            seen.append((discriminator(real).shape, real.shape, fake.shape))
            return super().forward(discriminator, real, fake)

    trainer(1).fit(gan(penalties={"r1": Watched(weight=1.0, interval=1)}), batches(8, 2))
    assert seen == [((8,), (8, 2), (8, 2))]
