"""Which strategies a game accepts, and what it says of the others."""

import pytest
import torch
import torch.distributed as dist
from lightning.pytorch.plugins import TorchSyncBatchNorm
from lightning.pytorch.strategies import (
    DDPStrategy,
    DeepSpeedStrategy,
    FSDPStrategy,
    ModelParallelStrategy,
    ParallelStrategy,
    StrategyRegistry,
)
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

import ganzoo
from ganzoo.errors import InputError
from ganzoo.strategies.player_parallel import (
    NAME,
    NOTEBOOK,
    PlayerParallelStrategy,
    check_strategy,
    check_strategy_name,
)


class Sharded(FSDPStrategy):
    """Lightning asks for a GPU when it sees FSDPStrategy itself."""


class DeepSpeed(DeepSpeedStrategy):
    """Without DeepSpeed installed."""

    def __init__(self):
        DDPStrategy.__init__(self)


@pytest.fixture
def alone():
    """Strategies of several processes meet the others even where there are none."""
    yield
    if dist.is_initialized():
        dist.destroy_process_group()


def test_one_device_and_the_own_strategy_pass(trainer):
    check_strategy(trainer(1))
    check_strategy(trainer(1, strategy=NAME))
    check_strategy(trainer(1, strategy=PlayerParallelStrategy(start_method="spawn")))


def never(*_):
    raise AssertionError("the strategy has begun its work")


@pytest.mark.parametrize("strategy", [DDPStrategy, Sharded, ModelParallelStrategy])
def test_other_strategies_are_refused_before_they_begin_whatever_the_world_size(
    strategy, gan, trainer, batches, alone, monkeypatch
):
    monkeypatch.setattr(strategy, "setup", never)
    run = trainer(1, strategy=strategy(), devices=1)
    with pytest.raises(InputError, match=r"use Trainer\(strategy='player_parallel'\)$") as caught:
        run.fit(gan(), batches(8, 2))
    assert "\n" not in str(caught.value)
    assert strategy.__name__ in str(caught.value)


@pytest.mark.parametrize("strategy", [Sharded, ModelParallelStrategy, DeepSpeed])
def test_sharding_strategies_are_told_why(strategy, trainer):
    run = trainer(1)
    run._accelerator_connector.strategy = strategy()
    with pytest.raises(InputError, match="shards parameters across processes"):
        check_strategy(run)


@pytest.mark.parametrize("name", ["ddp", "ddp_spawn", "fsdp", "deepspeed", "deepspeed_stage_2"])
def test_names_are_refused_before_lightning_asks_for_a_gpu_or_a_package(name):
    with pytest.raises(InputError, match=r"use Trainer\(strategy='player_parallel'\)$"):
        check_strategy_name(name)


@pytest.mark.parametrize("name", ["auto", NAME, NOTEBOOK, "single_device", "nonsense"])
def test_other_names_are_left_to_lightning(name):
    check_strategy_name(name)


def test_in_a_notebook_the_forking_variant_is_named(trainer):
    with pytest.raises(InputError, match=NOTEBOOK):
        check_strategy(trainer(1, strategy="ddp_notebook"))


def test_an_unknown_strategy_is_refused(monkeypatch):
    class Own(ParallelStrategy):
        pass

    monkeypatch.setitem(StrategyRegistry, "own", {"strategy": Own})
    with pytest.raises(InputError, match="Own, which is not known to average"):
        check_strategy_name("own")


def test_synchronised_batch_normalisation_needs_gpus(gan, trainer, batches, alone):
    run = trainer(1, strategy=NAME, devices=1, sync_batchnorm=True)
    with pytest.raises(InputError, match="sync_batchnorm=True needs GPUs"):
        run.fit(gan(), batches(8, 2))
    with pytest.raises(ValueError, match="SyncBatchNorm expected input tensor to be on"):
        nn.SyncBatchNorm(2)(torch.randn(4, 2))  # which is why


def norms(module):
    return [part for part in module.modules() if isinstance(part, _BatchNorm)]


NETWORKS = [("dcgan", "digits"), ("resnet", "cifar10"), ("mlp", "ring")]


@pytest.mark.parametrize(("network", "dataset"), NETWORKS)
@pytest.mark.parametrize("model", ["gan", "conditional_gan"])
def test_every_batch_normalisation_is_synchronised_where_it_is_wanted(model, network, dataset):
    both = [f"network.{player}_normalization=batch" for player in ("generator", "discriminator")]
    game = ganzoo.create_model(
        model, dataset=dataset, overrides=[f"network={network}", "optimizer.ema=exponential", *both]
    )
    before = {id(parameter) for parameter in game.parameters()}
    plain = norms(game)
    TorchSyncBatchNorm().apply(game)
    assert len(norms(game)) == len(plain) > 0
    assert all(type(module) is nn.SyncBatchNorm for module in norms(game))
    assert norms(game.ema["generator"])
    optimizers, _ = game.configure_optimizers()
    moved = {id(p) for o in optimizers for group in o.param_groups for p in group["params"]}
    assert moved == {id(p) for p in game.parameters() if p.requires_grad} <= before
