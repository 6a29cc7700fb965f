"""What users of other libraries write finds what it is called here."""

import pytest

from ganzoo.composition.compose import compose_config, group_choices, groups
from ganzoo.composition.overrides import group_at
from ganzoo.composition.suggestions import (
    _left_out,
    _owners,
    _settings,
    suggest_choice,
    suggest_setting,
    synonyms,
)
from ganzoo.configs import config_directory
from ganzoo.errors import nearest


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        *[(word, "optimizer.lr") for word in ("lr", "learning_rate", "optimizer.lr")],
        *[(word, "dataset.batch_size") for word in ("batch_size", "bs", "dataset.batchsize")],
        *[(word, "trainer.max_steps") for word in ("steps", "max_steps", "trainer.max_step")],
        *[(word, "trainer.max_epochs") for word in ("epochs", "n_epochs", "trainer.epochs")],
        *[(word, "trainer.devices") for word in ("gpus", "devices", "trainer.gpus")],
        *[(word, "trainer.precision") for word in ("amp", "fp16", "trainer.precison")],
        *[
            (word, "network.latent.latent_dim")
            for word in ("z_dim", "latent_dim", "latent.latentdim")
        ],
        *[(word, "dataset.image_size") for word in ("image_size", "img_size")],
        *[(word, "optimizer.ema.decay") for word in ("ema_decay", "ema_beta")],
        ("dataset.path", "'dataset.root'? It belongs to dataset=image_folder"),
        ("optimizer.schedule.final_factor", "it belongs to optimizer.schedule=linear"),
        ("penalty.r1.weight", "it belongs to penalty=r1"),
        ("clip_value", "'model.clip_value'? It belongs to model=wgan"),
        ("n_critic", "model.discriminator_steps"),
        ("lambda_gp", "model.gradient_penalty.weight"),
        ("wandb", "'logger=wandb'"),
        ("resume", "'checkpoint'"),
        ("discriminator.lr", "optimizer.discriminator.lr"),
        ("network.generator.widht", "'network.generator.width'"),
        ("callbacks.checkpoint.every_n_steps", "'callbacks.checkpoints.every_n_steps'"),
        ("network.encoder.width", "model=wgan_gp has no network.encoder"),
        ("network.generator_normalization.eps", "'network.generator_normalization.eps'"),
        ("model.loss.label_smoothing", "'loss.label_smoothing'"),
        ("trainer.profilr", "'trainer.profiler'"),
        ("modle", "did you mean 'model'?"),
        ("zzzzqq", "--cfg job shows all settings"),
    ],
)
def test_settings(written, meant):
    said = suggest_setting(written)
    assert meant in said and len(said) < 200


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("loss=wgan", "did you mean 'loss=wasserstein' or 'model=wgan'?"),
        ("loss=lsgan", "did you mean 'loss=least_squares' or 'model=lsgan'?"),
        ("model=sngan", "did you mean 'experiment=sngan_cifar10' or 'experiment=sngan_mnist'?"),
        ("experiment=sngan", "'sngan_cifar10'"),
        ("loss=bce", "loss=non_saturating"),
        ("loss=mmd", "'maximum_mean_discrepancy'"),
        ("model=wgan-gp", "did you mean 'wgan_gp'?"),
        ("model=WGANGP", "'wgan_gp'"),
        ("model=cgan", "model=conditional_gan"),
        ("dataset=cifar", "dataset=cifar10"),
        ("penalty=wgan_gp", "penalty=gradient_penalty"),
        ("optimizer=Adam", "'adam'"),
        ("network=resnet18", "'resnet'"),
        ("metrics=is", "metrics=inception_score"),
        ("logger=mlflow", "choose from csv, none, tensorboard, wandb"),
    ],
)
def test_choices(written, meant):
    group, _, choice = written.partition("=")
    assert meant in suggest_choice(group, choice)


@pytest.mark.parametrize(
    ("old", "rest", "meant"),
    [
        ("ema", "", "did you mean 'optimizer.ema'?"),
        ("updates", "", "did you mean 'optimizer.update_rule'?"),
        ("features", "", "did you mean 'metrics.features'?"),
        ("replay", "", "did you mean 'augment.replay'?"),
        ("generator_normalization", "", "did you mean 'network.generator_normalization'?"),
        ("latent", ".latent_dim", "did you mean 'network.latent.latent_dim'?"),
        ("evaluator", ".samples", "did you mean 'metrics.evaluator.samples'?"),
        ("updates", ".weight", "rule.weight'? It belongs to optimizer.update_rule=consensus"),
        (
            "schedule",
            ".final_lr",
            "optimizer.schedule.final_lr'? It belongs to optimizer.schedule=cosine",
        ),
    ],
)
def test_groups_that_were_not_always_inside_of_another_one(old, rest, meant):
    assert meant in suggest_setting(f"{old}{rest}")


def test_every_synonym_leads_to_a_setting_or_a_choice_and_hides_none():
    config = compose_config([])
    names = {name for name, _ in _settings(config)} | set(_left_out(config))
    for word, meant in synonyms().items():
        assert word == word.lower() and word not in names
        for one in meant:
            group, chosen, choice = one.partition("=")
            if chosen:
                path = group_at(group, [config_directory()]) or group
                assert choice in group_choices(path.partition("@")[0]), one
            else:
                assert one in {*names, *groups()} or _owners(one), one


def test_a_long_list_is_cut():
    assert nearest("zz", [f"choice_{number}" for number in range(99)]).endswith("... (99 in all)")
    assert nearest(3.5, ["a", "b"]) == "choose from a, b"
