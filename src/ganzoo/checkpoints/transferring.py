"""The weights of another run as the start of a new one."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from lightning.pytorch.utilities import rank_zero_only
from torch import Tensor

from ganzoo.checkpoints.resuming import read_or_previous
from ganzoo.errors import InputError, listed
from ganzoo.game.module import AdversarialModule

LEAST = 0.5
"""The least share of a network's numbers that a checkpoint of the same architecture has."""
MAY_DIFFER = {"num_classes", "shape"}
"""Settings of networks that follow from the data."""

log = logging.getLogger("ganzoo")

State = dict[str, Tensor]


def transfer(model: AdversarialModule, path: str | Path) -> None:
    """Begin with the networks of another run of the same architecture, on other data.

    The weights and buffers of all players' networks are taken over (the moving mean of styles
    among them), and the averages, which of a run without any are its weights. Steps, optimizers,
    schedules, and what adapts to a game, begin anew.

    Where the numbers of classes or of channels differ, layers that do not fit stay new; the log
    names them.

    Args:
        model: The new model.
        path: A checkpoint that a run wrote.

    Raises:
        InputError: if the file cannot be used, its networks have another architecture, or a layer
            that does not fit is frozen; then the model stays as it is.
    """
    path, saved = read_or_previous(Path(path))
    places = tuple(_places(model))
    wanted = _of(model.state_dict(), places)
    given = _of(_with_averages(model, saved["state_dict"]), places)
    fitting = {k: v for k, v in given.items() if k in wanted and v.shape == wanted[k].shape}
    new, unused = (sorted(each.keys() - fitting.keys()) for each in (wanted, given))
    theirs, mine = saved["ganzoo"]["configuration"], model.configuration
    _check_size(path, theirs, mine)
    if new or unused:
        _check_settings(path, theirs, mine, places)
    for place in places:
        _check_share(path, place, fitting, wanted)
    _check_frozen(model, path, new)
    model.load_state_dict(fitting, strict=False)
    _say(path, saved["global_step"], new, unused)


def _of(state: Mapping[str, Tensor], places: tuple[str, ...]) -> State:
    return {name: value for name, value in state.items() if name.startswith(places)}


def _places(model: AdversarialModule) -> Iterator[str]:
    """The beginnings of the names of weights that are taken over, of each network."""
    names = {module: name for name, module in model.named_modules()}
    networks = [part for player in model.players for part in player.modules if part in names]
    yield from dict.fromkeys(f"{names[part]}." for part in networks)
    if len(model.ema):
        yield "ema."


def _with_averages(model: AdversarialModule, state: Mapping[str, Tensor]) -> State:
    """A checkpoint's state with weights as the averages that it lacks."""
    given = dict(state)
    names = {module: name for name, module in model.named_modules()}
    for average, network in model.averaged_modules().items():
        of_average, of_network = f"ema.{average}.network.", f"{names[network]}."
        if not any(name.startswith(of_average) for name in state):
            own = {
                k.removeprefix(of_network): v for k, v in state.items() if k.startswith(of_network)
            }
            given |= {f"{of_average}{name}": value for name, value in own.items()}
    return given


def _check_size(path: Path, theirs: Any, mine: Any) -> None:
    if not theirs or not mine:
        return
    sizes = [one["dataset"].get("shape", [])[1:] for one in (theirs, mine)]
    if sizes[0] != sizes[1]:
        raise InputError(
            f"{path} is of samples of size {sizes[0]}, and this run's are of {sizes[1]}: "
            "transfer= needs the same size"
        )


def _check_settings(path: Path, theirs: Any, mine: Any, places: Sequence[str]) -> None:
    """Refuse networks of other settings than the numbers of classes and of channels."""
    if not theirs or not mine:
        return
    for network in dict.fromkeys(place.partition(".")[0] for place in places):
        there, here = (dict(_written(one["model"].get(network), network)) for one in (theirs, mine))
        for name in sorted(there.keys() | here.keys()):
            if there.get(name) != here.get(name) and name.rpartition(".")[2] not in MAY_DIFFER:
                raise InputError(
                    f"the networks in {path} have {name}={there.get(name)}, and this run's "
                    f"{here.get(name)}: transfer= needs the same architecture"
                )


def _written(node: Any, name: str) -> Iterator[tuple[str, Any]]:
    """The settings inside of a part, under dotted names."""
    if not isinstance(node, dict):
        yield name, node
    for key, value in node.items() if isinstance(node, dict) else ():
        yield from _written(value, f"{name}.{key}")


def _check_share(path: Path, place: str, fitting: State, wanted: State) -> None:
    sizes = [sum(v.numel() for v in _of(state, (place,)).values()) for state in (fitting, wanted)]
    if sizes[0] < LEAST * sizes[1]:
        first = min(_of(wanted, (place,)).keys() - fitting.keys())
        raise InputError(
            f"the networks in {path} are not this run's (first difference: {first}): transfer= "
            "needs the same architecture, so give the settings that it was trained with"
        )


def _check_frozen(model: AdversarialModule, path: Path, new: Sequence[str]) -> None:
    frozen = {name for place in model.frozen_names() for name in new if name.startswith(place)}
    if frozen:
        raise InputError(
            f"{min(frozen)} would stay as it is, new and untrained, because it does not fit that "
            f"of {path}: set a smaller freeze_discriminator_layers"
        )


@rank_zero_only
def _say(path: Path, step: int, new: Sequence[str], unused: Sequence[str]) -> None:
    log.info("starting from the weights of step %d of %s", step, path)
    if new:
        log.warning("begin anew, because they do not fit: %s", listed(_layers(new)))
    if unused:
        log.warning("not taken over from the checkpoint: %s", listed(_layers(unused)))


def _layers(names: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(name.rpartition(".")[0] or name for name in names))
