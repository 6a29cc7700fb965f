"""Two processes against one, each in a Python of its own, as a user starts them."""

import pytest
import torch
from lightning.pytorch import Trainer

from ganzoo.configs import config_directory
from ganzoo.strategies.player_parallel import NAME, NOTEBOOK, PlayerParallelStrategy

SCRIPT = """
import os
import sys
import torch
import torch.distributed as dist
from lightning.pytorch import Trainer
from ganzoo.composition.compose import build, compose_config
from ganzoo.composition.create import build_model

torch.set_num_threads(1)
devices, path, models = int(sys.argv[1]), sys.argv[2], sys.argv[3:]
sent, calls, reduce = [], 0, dist.all_reduce
draws = {name: getattr(torch, name) for name in ("randn", "rand", "randint", "randn_like")}


def counted(tensor, *rest, **named):
    sent.append(tensor.numel())
    return reduce(tensor, *rest, **named)


def shared(draw, shape, *limits):
    # The draws of all processes together are those that one process would make.
    global calls
    calls += 1
    world, rank = (dist.get_world_size(), dist.get_rank()) if devices > 1 else (1, 0)
    seeded = torch.Generator().manual_seed(calls)
    return draws[draw](*limits, (world, *shape), generator=seeded)[rank]


def share_draws():
    def of(draw):
        def drawn(*shape, **_):
            return shared(draw, shape if isinstance(shape[0], int) else shape[0])
        return drawn
    torch.randn, torch.rand = of("randn"), of("rand")
    torch.randint = lambda high, shape, **_: shared("randint", shape, high)
    torch.randn_like = lambda like: shared("randn", like.shape)


def train(name):
    global calls
    calls, penalties, more = 0, [], {}
    sent.clear()
    if name == "gan":  # with everything that touches gradients
        penalties = ["penalty=r1", "penalty.r1.interval=3", "optimizer.gradient_clipping=norm",
                     "model.discriminator_steps=2", "model.micro_batches=2"]
    overrides = ["network.generator_normalization=none", "network=mlp", "optimizer.ema=exponential",
                 "network.discriminator_normalization=none", "network.generator.width=16",
                 f"dataset.batch_size={16 // devices}", *penalties]
    if name == "r3gan":  # its own networks, which have no other statistics either
        overrides = ["network.generator.max_width=16", *overrides[2:3], *overrides[4:]]
    config = compose_config([f"model={name}", "dataset=digits", *overrides])
    torch.manual_seed(7 + 100 * int(os.environ.get("LOCAL_RANK", 0)))  # the first one's count
    model = build_model(config, name, "digits")
    trainer = Trainer(
        max_steps=8, max_epochs=-1, accelerator="cpu", devices=devices, logger=False,
        strategy="player_parallel" if devices > 1 else "auto", log_every_n_steps=1000,
        enable_checkpointing=False, enable_progress_bar=False, enable_model_summary=False,
        num_sanity_val_steps=0, use_distributed_sampler=False)
    share_draws()
    trainer.fit(model, datamodule=build(config.dataset.datamodule))
    for draw, own in draws.items():
        setattr(torch, draw, own)
    weights = {key: value.clone() for key, value in model.state_dict().items()}
    return {"weights": weights, "sent": list(sent),
            "players": [(player.name, player.steps) for player in model.players]}


dist.all_reduce = counted
results = {name: train(name) for name in models}
torch.save(results, f"{path}.{os.environ.get('LOCAL_RANK', 0)}")
"""

# What is sent before the generator's gradients: the mean features of 16 units and their gradients,
# or the gradients of five unrolled steps of the discriminator there and back.
IN_GENERATORS_TURN = {
    "feature_matching_gan": [16, 16],
    "semi_supervised_gan": [16, 16],
    "unrolled_gan": ["discriminator"] * 10,
}
# Not compared here: two of them need data of two domains, and the others have batch statistics
# (deviations of a minibatch) or noise of each process.
OF_PICTURES = {"pix2pix", "cycle_gan", "vqgan", "stylegan2"}
MODELS = sorted(
    path.stem
    for path in (config_directory() / "model").glob("*.yaml")
    if path.stem not in OF_PICTURES
)


@pytest.mark.slow
def test_two_processes_follow_one_and_send_only_what_they_must(start, tmp_path):
    (tmp_path / "script.py").write_text(SCRIPT)
    for devices in (1, 2):
        done = start(tmp_path, "script.py", str(devices), str(devices), *MODELS, limit=240)
        assert done.code == 0, done.err
    runs = [torch.load(tmp_path / name, weights_only=True) for name in ("1.0", "2.0", "2.1")]
    assert list(runs[0]) == MODELS
    for model in MODELS:
        one, first, second = (run[model] for run in runs)
        assert_follows(model, one["weights"], first["weights"])
        same = all(v.equal(second["weights"][n]) for n, v in first["weights"].items())
        assert same, f"{model}: the two processes differ"
        assert_sends_one_player_at_a_time(model, first)


def assert_follows(model, one, two):
    for name, value in one.items():
        torch.testing.assert_close(
            two[name], value, rtol=1e-5, atol=1e-5, msg=lambda text, n=name: f"{model} {n}: {text}"
        )


def assert_sends_one_player_at_a_time(model, run):
    sizes = {
        player: sum(v.numel() for n, v in run["weights"].items() if n.startswith(f"{player}."))
        for player, _ in run["players"]
    }
    rounds = max(steps for _, steps in run["players"])
    turns = [
        player for left in range(rounds, 0, -1) for player, steps in run["players"] if steps >= left
    ]
    sent = [*turns[:-1], *IN_GENERATORS_TURN.get(model, []), turns[-1]]
    *updates, _ = run["sent"]  # the last are the means of all terms, once a run
    assert updates == [sizes.get(name, name) for name in sent] * 8, model


@pytest.mark.parametrize("name", [NAME, NOTEBOOK])
def test_the_strategy_is_registered_by_name(name):
    run = Trainer(strategy=name, devices=1, accelerator="cpu", logger=False)
    assert type(run.strategy) is PlayerParallelStrategy
