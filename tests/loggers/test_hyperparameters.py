"""What loggers show of a run beside its curves: choices, settings, and final values."""

import sys

import pytest
from hydra.core.hydra_config import HydraConfig
from omegaconf import OmegaConf, open_dict

import ganzoo
from ganzoo.composition.choices import chosen
from ganzoo.composition.compose import compose_config
from ganzoo.errors import InputError
from ganzoo.loggers.hyperparameters import flattened
from ganzoo.loggers.services import tensorboard_logger, wandb_logger

PARAMETERS = {
    "choices": {"model": "gan", "loss": "hinge"},
    "optimizer": {"generator": {"lr": 0.1, "betas": [0.5, 0.9]}},
    "ema": None,
}


def test_choices_come_first_and_settings_have_the_names_of_their_places():
    assert list(flattened(PARAMETERS).items()) == [
        ("model", "gan"),
        ("loss", "hinge"),
        ("optimizer/generator/lr", 0.1),
        ("optimizer/generator/betas", "[0.5, 0.9]"),
        ("ema", "None"),
    ]


def table_of(folder):
    """What the event file tells TensorBoard: scalars, hyperparameters, names of results."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData

    events = EventAccumulator(str(folder))
    events.Reload()
    told = {
        name: HParamsPluginData.FromString(found.plugin_data.content)
        for name, found in events.summary_metadata.items()
        if name.startswith("_hparams_")
    }
    if not told:
        return events, {}, []
    hyper = told["_hparams_/session_start_info"].session_start_info.hparams
    results = told["_hparams_/experiment"].experiment.metric_infos
    return events, hyper, [result.name.tag for result in results]


def test_tensorboard_shows_hyperparameters_beside_final_values(tmp_path):
    logger = tensorboard_logger(save_dir=str(tmp_path))
    logger.log_hyperparams(PARAMETERS)
    logger.log_metrics({"generator/loss": 3.0}, step=1)
    logger.save()
    assert table_of(tmp_path)[1] == {}  # nothing is measured yet
    logger.log_metrics({"metrics/fid@10": 9.0}, step=1)
    logger.log_metrics({"metrics/fid@10": 8.0}, step=2)
    logger.finalize("success")
    events, hyper, results = table_of(tmp_path)
    assert hyper["loss"].string_value == "hinge"
    assert hyper["optimizer/generator/lr"].number_value == 0.1
    assert results == ["metrics/fid@10", "generator/loss"]
    assert [value.value for value in events.Scalars("metrics/fid@10")] == [9.0, 8.0]
    assert "hp_metric" not in events.Tags()["scalars"]


def test_without_results_tensorboard_shows_the_last_losses(tmp_path):
    logger = tensorboard_logger(save_dir=str(tmp_path))
    logger.log_hyperparams(PARAMETERS)
    logger.log_metrics({"generator/loss": 3.0}, step=1)
    logger.finalize("success")
    _, hyper, results = table_of(tmp_path)
    assert results == ["generator/loss"] and hyper["model"].string_value == "gan"


@pytest.fixture
def composed():
    """Compose as a run would, with Hydra's record of choices."""
    before = HydraConfig.instance().cfg

    def call(*overrides):
        config = compose_config(["run_dir=here", *overrides], with_hydra=True)
        HydraConfig.instance().set_config(config)
        with open_dict(config):
            del config.hydra
        return config

    yield call
    HydraConfig.instance().cfg = before


def test_every_group_is_named_with_its_choice_or_choices(composed):
    found = chosen(
        composed(
            "model=gan",
            "loss=hinge",
            "penalty=[r1,r2]",
            "network.generator_normalization=batch",
        )
    )
    assert list(found)[:4] == ["model", "dataset", "loss", "penalty"]
    assert found["loss"] == "hinge" and found["penalty"] == "r1, r2"
    assert found["network.generator_normalization"] == "batch"
    brought_along = chosen(composed("experiment=wgan_gp_ring", "dataset=ring"))
    assert brought_along["experiment"] == "wgan_gp_ring"
    assert (brought_along["model"], brought_along["penalty"]) == ("wgan_gp", "gradient_penalty")


@pytest.mark.parametrize(
    ("overrides", "group", "tags"),
    [
        ([], "wgan_gp-ring", ["wgan_gp", "ring", "wasserstein", "gradient_penalty"]),
        (["model=gan", "penalty=[r1,r2]"], "gan-ring",
         ["gan", "ring", "non_saturating", "r1", "r2"]),
        (["model=gan"], "gan-ring", ["gan", "ring", "non_saturating"]),
        (["experiment=wgan_gp_ring"], "wgan_gp_ring", None),
        (["sweep_name=night"], "night", None),
        (["logger.wandb.group=mine", "logger.wandb.tags=[a]"], "mine", ["a"]),
    ],
)  # fmt: skip
def test_wandb_groups_and_tags_say_what_was_chosen(composed, overrides, group, tags):
    settings = composed("dataset=ring", "logger=wandb", *overrides).logger.wandb
    assert settings.group == group
    assert tags is None or OmegaConf.to_container(settings, resolve=True)["tags"] == tags


def test_wandb_is_given_them(tmp_path, monkeypatch):
    monkeypatch.setenv("WANDB_MODE", "offline")
    logger = wandb_logger(
        save_dir=str(tmp_path), project="p", name="n", group="mine", tags=["a", "b"]
    )
    logger.log_hyperparams(PARAMETERS)
    run = logger.experiment
    try:
        assert (run.group, run.tags) == ("mine", ("a", "b"))
        assert run.config["choices"] == {"model": "gan", "loss": "hinge"}
    finally:
        run.finish()


def test_a_model_for_a_trainer_of_ones_own_has_its_choices_as_hyperparameters():
    overrides = ["loss=hinge", "model.discriminator_steps=3"]
    model = ganzoo.create_model("gan", dataset="ring", overrides=overrides)
    assert model.hparams["loss"] == "hinge" and model.hparams["model"] == "gan"
    assert model.hparams["model.discriminator_steps"] == "3"
    assert "metrics" not in model.hparams and "trainer" not in model.hparams


@pytest.mark.parametrize("package", ["tensorboard"])
def test_without_the_package_a_line_says_what_to_install(monkeypatch, tmp_path, package):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(InputError, match=rf"pip install 'lightning-ganzoo\[{package}\]'"):
        tensorboard_logger(save_dir=str(tmp_path))
