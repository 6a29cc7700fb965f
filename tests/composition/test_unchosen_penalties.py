"""Numbers that a model has for penalties which are not chosen."""

import pytest

import ganzoo
from ganzoo.composition.compose import compose_config
from ganzoo.composition.overrides import parse
from ganzoo.composition.settings import _check_given
from ganzoo.errors import InputError

NARROW = ("network.generator.width=8", "network.generator.max_width=8")


def test_a_model_leaves_out_what_is_not_chosen():
    model = ganzoo.create_model("r3gan", dataset="digits", overrides=[*NARROW, "penalty=r1"])
    assert list(model.penalties) == ["r1"]
    assert model.penalties["r1"].weight == 0.05


def check(*words):
    config = compose_config(["model=r3gan", *words])
    for word in words:
        _check_given(config, parse(word), words)


def test_to_set_them_is_refused():
    check("penalty=r1", "penalty.r1.weight=3")
    with pytest.raises(InputError, match="penalty.r2.weight is set, but nothing in this run uses"):
        check("penalty=r1", "penalty.r2.weight=3")
