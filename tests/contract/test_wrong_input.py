"""Wrong values and parts that do not fit: one line, and no folder is left behind."""

import pytest
from hydra.errors import InstantiationException

from ganzoo.errors import InputError
from ganzoo.game.finite import NonFiniteError


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["dataset.batch_size=0"], "batch_size"),
        (["dataset.batch_size=-4"], "batch_size"),
        (["dataset.batch_size=1798"], "batch_size=1798 is larger than the data set"),
        (["dataset.image_size=30", "network=dcgan"], "set dataset.image_size=28 or 32"),
        (["network=resnet"], "not 8x8: set dataset.image_size=16 or 24"),
        (["model.discriminator_steps=0"], "discriminator_steps"),
        (["model.gradient_penalty.weight=-1"], "weight"),
        (["model.gradient_penalty.weight=nan"], "weight"),
        (["model=wgan", "model.clip_value=-0.01"], "clip_value"),
        (["optimizer.ema.decay=1.5"], "optimizer.ema.decay"),
        (["network.latent.latent_dim=-1"], "latent_dim"),
        (["dataset=ring", "model=dcgan"], "images"),
        (["dataset=swiss_roll", "model=conditional_gan"], "data set with classes"),
        (["trainer.devices=abc"], "trainer.devices=abc: write auto, how many"),
        (["checkpoint=nowhere.ckpt"], "there is no checkpoint at nowhere.ckpt"),
        (["dataset=image_folder", "dataset.root=nowhere"], "nowhere"),
        (["dataset=mnist", "dataset.root=nowhere", "dataset.download=false"], "nowhere"),
    ],
)
def test_wrong_values(run, tmp_path, overrides, message):
    with pytest.raises(InputError) as error:
        run(*overrides)
    assert message in str(error.value)
    assert "\n" not in str(error.value)
    assert list(tmp_path.iterdir()) == []


def test_settings_that_only_a_constructor_can_judge_leave_no_folder(run, tmp_path):
    with pytest.raises(InstantiationException, match="colour"):
        run("dataset=ring", "+model.colour=3")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("rate", ["-1", "nan"])
def test_learning_rate(run, rate):
    with pytest.raises(InputError, match="the optimizer of the discriminator: .*learning rate"):
        run(f"optimizer.lr={rate}")


def test_a_term_that_is_not_finite_names_the_last_checkpoint(run):
    overflow = ("model=gan", "dataset=ring", "penalty=r1")
    with pytest.raises(NonFiniteError, match="r1 is not finite at step 0: there is no checkpoint"):
        run(*overflow, "penalty.r1.weight=1e39")
    late = ("optimizer.lr=1e30", "optimizer.discriminator.lr=1e-4")
    where = r"at step \d: the last good checkpoint is .*last\.ckpt"
    with pytest.raises(NonFiniteError, match=where):
        run(*overflow, *late, "callbacks.checkpoints.every_n_steps=1", name="second")


def test_a_truncated_checkpoint(run, tmp_path):
    _, folder = run("dataset=ring")
    broken = tmp_path / "broken.ckpt"
    broken.write_bytes((folder / "checkpoints" / "last.ckpt").read_bytes()[:5000])
    with pytest.raises(InputError, match=r"broken\.ckpt is damaged"):
        run("dataset=ring", f"checkpoint={broken}", name="second")


def test_a_checkpoint_of_another_model(run):
    _, folder = run("dataset=ring")
    last = folder / "checkpoints" / "last.ckpt"
    with pytest.raises(InputError, match="is of wgan_gp on ring, this run is gan on ring"):
        run("dataset=ring", "model=gan", f"checkpoint={last}", name="second")
    with pytest.raises(InputError, match="network"):
        run("dataset=ring", "network.generator.width=16", f"checkpoint={last}", name="third")


def test_resuming_goes_on_where_the_run_stopped(run):
    _, folder = run("dataset=ring", "trainer.max_steps=3")
    last = folder / "checkpoints" / "last.ckpt"
    _, second = run("dataset=ring", "trainer.max_steps=5", f"checkpoint={last}", name="second")
    rows = (second / "metrics.csv").read_text().splitlines()
    column = rows[0].split(",").index("step")
    assert {int(float(row.split(",")[column])) for row in rows[1:]} == {4, 5}


def test_a_strategy_that_cannot_train_a_game_leaves_no_folder(run, tmp_path):
    with pytest.raises(InputError, match=r"a game does not train with DDPStrategy.*player_par"):
        run("dataset=ring", "trainer.devices=2", "trainer.strategy=ddp")
    assert list(tmp_path.iterdir()) == []


def test_a_run_that_could_not_go_on_leaves_no_copy(run, tmp_path):
    _, folder = run("model=gan", "dataset=ring")
    before = sorted(tmp_path.rglob("*"))
    checkpoint = f"checkpoint={tmp_path}/runs/latest/checkpoints/last.ckpt"
    with pytest.raises(InputError, match="the optimizer of the discriminator"):
        run("model=gan", "dataset=ring", checkpoint, "optimizer.lr=-1", name="second")
    assert sorted(tmp_path.rglob("*")) == before
    assert (tmp_path / "runs" / "latest").resolve() == folder
