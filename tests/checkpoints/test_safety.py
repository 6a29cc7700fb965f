"""A stranger's checkpoint: refused in one line, and nothing of it runs."""

import os
import pickle
import subprocess
import sys
import zipfile
from collections import OrderedDict

import pytest
import torch

import ganzoo
from ganzoo.checkpoints.io import AtomicCheckpointIO
from ganzoo.checkpoints.trust import check_configuration
from ganzoo.errors import InputError


def members(path):
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def repacked(path, changes):
    """The archive with other members, and right checksums."""
    contents = members(path) | changes
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in contents.items():
            archive.writestr(zipfile.ZipInfo(name), content)
    return path


def rewritten(path, change):
    checkpoint = torch.load(path, weights_only=True)
    change(checkpoint)
    torch.save(checkpoint, path)
    return path


def with_configuration(path, **fields):
    return rewritten(path, lambda c: c["ganzoo"]["configuration"].update(fields))


def with_setting(path, value, name="penalties"):
    return rewritten(path, lambda c: c["ganzoo"]["configuration"]["model"].update({name: value}))


def test_what_is_not_tampered_with_is_loaded(path):
    assert ganzoo.load(repacked(path, {})).sample(3, seed=0).shape == (3, 2)


# Code in a pickle.


class Bomb:
    def __reduce__(self):
        return (os.system, ("touch exploded",))


def test_the_bomb_is_live(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    pickle.loads(pickle.dumps(Bomb()))
    assert (tmp_path / "exploded").exists()


def test_a_bomb_as_the_pickle_inside(path, refusal):
    repacked(path, {"archive/data.pkl": pickle.dumps(Bomb(), protocol=2)})
    assert "more than tensors and plain values" in refusal(path)


@pytest.mark.parametrize("place", ["state_dict", "callbacks", "ganzoo"])
def test_a_bomb_among_the_rest(path, refusal, place):
    rewritten(path, lambda c: c[place].update(extra=Bomb()))
    assert "more than tensors and plain values" in refusal(path)


@pytest.mark.parametrize("protocol", [0, 2, 4])
def test_a_bomb_that_is_no_archive(path, refusal, protocol):
    path.write_bytes(pickle.dumps({"state_dict": Bomb()}, protocol=protocol))
    assert "is damaged or is no checkpoint" in refusal(path)


def test_a_bomb_in_the_format_before_archives(path, refusal):
    torch.save({"state_dict": Bomb()}, path, _use_new_zipfile_serialization=False)
    assert "is damaged or is no checkpoint" in refusal(path)


def shared_tuples(times):
    return b"\x80\x02})" + b"q\x01h\x01\x86" * times + b"K\x01s."


def deep_tuple(times):
    return b"\x80\x02})" + b"\x85" * times + b"K\x01s."


@pytest.mark.parametrize("program", [shared_tuples(60), deep_tuple(1_000_000)])
@pytest.mark.parametrize("name", ["archive/data.pkl", "archive/DATA.PKL"])
def test_a_key_that_takes_for_ever_to_hash(path, refusal, name, program):
    """Torch itself hangs on the first, and brings the process down on the second."""
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(name, program)
    assert "makes no sense" in refusal(path)


# Names in a config.

UNTRUSTED = [
    "os.system",
    "posix.system",
    "builtins.eval",
    "builtins.exec",
    "functools.partial",
    "subprocess.Popen",
    "torch.load",
    "torch.hub.load",
    "torch.nnx.Linear",
    "ganzoo_extra.Model",
]
ALIASES = [
    "ganzoo.checkpoints.io.os.system",
    "ganzoo.composition.loading.Path",
    "ganzoo.composition.sweep.csv.writer",
    "ganzoo.errors.math.sqrt",
    "ganzoo.export.np.save",
    "torch.nn.functional.importlib.import_module",
    "torch.nn.functional.torch.load",
    "torch.nn.modules.container.OrderedDict",
    "torch.nn.modules.module.functools.partial",
    "torch.nn.modules.module.warnings.warn",
    "torch.nn.Module.__class__",
    "torch.nn.Module.__base__",
    "torch.nn.Module.__init__.__globals__",
    "torch.optim.optimizer.deepcopy",
]
FUNCTIONS = ["ganzoo.load", "ganzoo.checkpoints.reading.read", "torch.nn.init.zeros_"]
NO_NAMES = [
    "",
    ".",
    "os",
    "ganzoo",
    "ganzoo.",
    "ganzoo..os.system",
    "ganzoo./../os.system",
    "ganzoo.errors.InputError\n",
    "ganzoo.\0",
    "ganzoo." + "x" * 5000,
]


@pytest.mark.parametrize("target", UNTRUSTED + ALIASES + FUNCTIONS + NO_NAMES)
def test_a_target_that_is_not_a_trusted_class(target):
    with pytest.raises(
        InputError, match="not trusted|does not exist|no class|longer than a line"
    ) as caught:
        check_configuration({"_target_": target, "_args_": ["touch exploded"]}, ())
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 500


SYSTEM = {"_target_": "os.system", "command": "touch exploded"}


@pytest.mark.parametrize(
    "hidden",
    [
        SYSTEM,
        {"r1": SYSTEM},
        {"r1": [[{"a": SYSTEM}]]},
        {"r1": {"_target_": "torch.nn.Linear", "_args_": [2, SYSTEM]}},
        {"r1": {"_target_": "torch.nn.Linear", "_partial_": True, "bias": SYSTEM}},
        {"r1": {"_target_": "torch.nn.Identity", "_recursive_": False, "child": SYSTEM}},
        {"r1": {"_target_": "functools.partial", "_args_": [SYSTEM]}},
        {"r1": {"object": "x", "and": SYSTEM}},
    ],
)
def test_a_target_hidden_in_a_checkpoint(path, refusal, hidden):
    with_setting(path, hidden)
    assert "not trusted" in refusal(path)


@pytest.fixture
def stranger(tmp_path_factory, monkeypatch):
    """A module of somebody's, which leaves a trace when it is imported."""
    folder = tmp_path_factory.mktemp("modules")
    (folder / "stranger.py").write_text(
        "from pathlib import Path\n"
        "from ganzoo.losses.wasserstein import Wasserstein\n"
        "Path(__file__).with_name('imported').touch()\n"
        "class Loss(Wasserstein):\n"
        "    pass\n"
    )
    monkeypatch.syspath_prepend(folder)
    yield folder / "imported"
    sys.modules.pop("stranger", None)


def test_a_class_of_a_module_that_the_user_trusts_or_not(path, refusal, stranger):
    with_setting(path, {"_target_": "stranger.Loss"}, name="loss")
    assert "pass trusted=['stranger']" in refusal(path)
    assert "pass trusted=['stranger']" in refusal(path, trusted=["strange", "stranger.Loss"])
    assert not stranger.exists()
    assert type(ganzoo.load(path, trusted=["stranger"]).loss).__module__ == "stranger"


def test_trusted_is_a_list(path, refusal):
    assert "write trusted=['stranger']" in refusal(path, trusted="stranger")


# Hostile forms of a config.


def cyclic_list():
    loop = []
    loop.append(loop)
    return loop


def cyclic_dict():
    loop = {}
    loop["again"] = {"and": [loop]}
    return loop


def billion_laughs():
    laugh = ["ha"]
    for _ in range(40):
        laugh = [laugh, laugh]
    return laugh


def wide_laughs():
    laugh = ["ha"] * 100
    for _ in range(10):
        laugh = [laugh] * 100
    return laugh


def nested(depth):
    inner = {}
    for _ in range(depth):
        inner = {"a": inner}
    return inner


@pytest.mark.parametrize(
    "hostile",
    [
        cyclic_list(),
        cyclic_dict(),
        billion_laughs(),
        wide_laughs(),
        nested(150),
        [0] * 20_000,
        {str(number): 0 for number in range(20_000)},
        {1: 2},
        {None: 2},
        {("a", "b"): 2},
        {"two\nlines": 2},
        {"_target_": 3},
        {"_target_": None},
        {"_target_": ["os.system"]},
        {"_target_": {"_target_": "os.system"}},
        {"_target_": b"os.system"},
        {"_target_": torch.zeros(2)},
        {"_target_": "torch.nn.Identity", "_args_": {"a": 1}},
        {"_target_": "torch.nn.Identity", "_args_": "ab"},
        {"_target_": "torch.nn.Identity", "_partial_": "yes"},
        {"_target_": "torch.nn.Identity", "_recursive_": 1},
        {"_target_": "torch.nn.Identity", "_convert_": "some"},
        {"_target_": "torch.nn.Identity", "_convert_": ["all"]},
        {"weight": torch.zeros(2, 2)},
        {"weight": b"1.0"},
        {"weight": 2**64},
        {"weight": -(10**500)},
        {"weight": 10**5000},
        {"weight": complex(1, 2)},
        {"weight": {1, 2}},
        {"weight": "1\n2"},
        {"weight": "\x1b[2J"},
        {"weight": "1" * 100_000},
        {"weight": "${oc.env:HOME}"},
        {"weight": ["${oc.env:HOME}"]},
        {"weight": "???"},
        OrderedDict(a=1),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_config_that_no_run_writes(path, refusal, hostile):
    with_setting(path, {"r1": hostile})
    assert len(refusal(path)) < 2000


def test_a_config_too_deep_to_be_walked_by_recursion():
    with pytest.raises(InputError, match="nested deeper than"):
        check_configuration(nested(100_000), ())


@pytest.mark.parametrize(
    "fields",
    [
        {"model": None},
        {"model": []},
        {"model": {3: 4}},
        {"model": {"generator": {"object": cyclic_list()}}},
        {"model": {"generator": {"object": "two\nlines"}}},
        {"model": {"two\nlines": {"object": "Linear"}}},
        {"name": None},
        {"name": ["gan"]},
        {"name": torch.zeros(3)},
        {"name": "../../gan"},
        {"name": "/etc/gan"},
        {"name": "a\\gan"},
        {"name": "\x1b[2J"},
        {"name": "x" * 100_000},
        {"dataset": None},
        {"dataset": "ring"},
        {"dataset": {}},
        {"dataset": {"name": "../ring"}},
        {"dataset": {"name": 3}},
    ],
)
def test_a_configuration_of_another_shape(path, refusal, fields):
    with_configuration(path, **fields)
    assert "how its model was made" in refusal(path)
    with pytest.raises(InputError):
        AtomicCheckpointIO().load_checkpoint(path)  # the way of a run that resumes


@pytest.mark.parametrize("configuration", [[], "gan", 3, torch.zeros(3), OrderedDict(name="gan")])
def test_a_configuration_of_another_type(path, refusal, configuration):
    rewritten(path, lambda c: c["ganzoo"].update(configuration=configuration))
    assert "how its model was made" in refusal(path)


def test_no_configuration_at_all(path, refusal):
    rewritten(path, lambda c: c["ganzoo"].pop("configuration"))
    assert "how its model was made" in refusal(path)


def test_a_model_that_is_no_model(path, refusal):
    with_configuration(path, model={"_target_": "torch.nn.Linear", "_args_": [2, 3]})
    assert "makes a Linear, not a model" in refusal(path)


@pytest.mark.parametrize(
    "generator",
    [
        {"_target_": "ganzoo.networks.mlp.MLPGenerator"},
        {"_target_": "ganzoo.networks.mlp.MLPGenerator", "unknown": 1},
        {"_target_": "ganzoo.networks.mlp.MLPGenerator", "_args_": [1, 2, 3]},
        {"_target_": "torch.nn.Linear", "_args_": ["two", "three"]},
        {"_target_": "torch.nn.Linear", "_args_": [2**62, 2**62]},
    ],
)
def test_a_network_that_cannot_be_built(path, refusal, generator):
    with_setting(path, generator, name="generator")
    assert "cannot be built" in refusal(path)


def test_weights_of_another_shape(path, refusal):
    rewritten(path, lambda c: c["state_dict"].update({"loss.extra": torch.zeros(0)}))
    assert "do not fit the model" in refusal(path)


@pytest.mark.parametrize("version", [None, 1, "", "0.1\n2", "x" * 1000, torch.zeros(2)])
def test_a_version_that_is_none(path, refusal, version):
    rewritten(path, lambda c: c["ganzoo"].update(version=version))
    assert "which version of ganzoo" in refusal(path)


# Hostile weights.


class Odd(OrderedDict):
    """Pickled as a plain OrderedDict that carries attributes."""

    def __reduce__(self):
        return (OrderedDict, (), self.__dict__)


def odd(**attributes):
    state = Odd()
    state.__dict__.update(attributes)
    return state


@pytest.mark.parametrize(
    "state",
    [
        None,
        [],
        torch.zeros(2),
        {"a": 3},
        {3: torch.zeros(2)},
        {"a": torch.zeros(2).to_sparse()},
        {"a": torch.zeros(2, device="meta")},
        odd(items=3),
        odd(_metadata=3),
        odd(_metadata={"": 3}),
        odd(_metadata={"": {"version": torch.zeros(2)}}),
    ],
)
def test_weights_that_no_run_writes(path, refusal, state):
    rewritten(path, lambda c: c.update(state_dict=state))
    assert "not plain tensors with names" in refusal(path)


def test_the_command_line_prints_one_line(path):
    repacked(path, {"archive/data.pkl": pickle.dumps(Bomb(), protocol=2)})
    command = [sys.executable, "-m", "ganzoo.sample", f"checkpoint={path}", "output=out"]
    done = subprocess.run(command, cwd=path.parent, capture_output=True, text=True, timeout=120)
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.startswith("ganzoo: ")
    assert len(done.stderr.splitlines()) == 1
    assert [file.name for file in path.parent.iterdir()] == [path.name]
