"""python -m ganzoo.theory: every config of conf/theory is run; found by globbing."""

import csv
import json
import math
import sys

import numpy as np
import pytest

from ganzoo.composition.compose import build, group_choices
from ganzoo.composition.theory import compose_theory, own_choices, theory_directory
from ganzoo.theory.__main__ import main


@pytest.fixture
def theory(monkeypatch, tmp_path, capsys):
    """Run the command line; returns the folder, and what was printed."""

    def run(*words):
        monkeypatch.chdir(tmp_path)
        folder = tmp_path / "out"
        monkeypatch.setattr(sys, "argv", ["ganzoo-theory", *words, f"output={folder}"])
        main()
        return folder, capsys.readouterr().out

    return run


@pytest.fixture
def refused(theory, capsys):
    """The line that wrong input gets."""

    def run(*words):
        with pytest.raises(SystemExit) as stop:
            theory(*words)
        assert stop.value.code == 1
        lines = capsys.readouterr().err.strip().splitlines()
        assert len(lines) == 1 and lines[0].startswith("ganzoo: ")
        return lines[0]

    return run


def facts(*words):
    """The lines of an analysis, by their names."""
    return dict(build(compose_theory(list(words)).figure).facts())


def number(line):
    return float(line.split(" ")[0])


@pytest.mark.parametrize("game", own_choices("game"))
def test_every_game_is_analysed(game):
    found = facts(f"game={game}", "steps=20")
    assert 0.5 < number(found["predicted rate"]) < 1.5
    assert "discriminator" in found["fixed point"]


# Moduli on V = xy with learning rate 0.1, from the operators' docstrings.
ON_BILINEAR = {
    "simultaneous": math.hypot(1, 0.1),
    "alternating": 1.0,
    "extragradient": math.hypot(1 - 0.01, 0.1),
    "consensus": math.hypot(1 - 0.1, 0.1),
    "symplectic_gradient_adjustment": math.hypot(1 - 0.1, 0.1),
    "aligned_symplectic_gradient_adjustment": math.hypot(1 - 0.1, 0.1),
    "competitive_gradient_descent": 1 / math.hypot(1, 0.1),
    "optimistic": max(abs(np.roots([1, -(1 - 0.2j), -0.1j]))),
    "extrapolation_from_the_past": max(abs(np.roots([1, -(1 - 0.2j), -0.1j]))),
    "momentum": max(
        abs(np.roots(np.polymul([1, -2, 1], [1, -1, 0.25]) + np.array([0, 0.01, 0, 0, 0])))
    ),
    "negative_momentum": max(
        abs(np.roots(np.polymul([1, -2, 1], [1, 1, 0.25]) + np.array([0, 0.01, 0, 0, 0])))
    ),
    "lookahead": abs(0.5 + 0.5 * np.roots([1, -(2 - 0.01), 1])[0] ** 5),
}


@pytest.mark.parametrize("optimizer", own_choices("optimizer"))
def test_every_optimizer_is_analysed(optimizer):
    found = facts("game=bilinear", f"optimizer={optimizer}", "steps=20")
    if optimizer in {"adam", "rmsprop"}:
        assert "no linearisation" in found["update"] and "predicted rate" not in found
    elif optimizer in ON_BILINEAR:
        expected = pytest.approx(ON_BILINEAR[optimizer], abs=2e-6)
        assert number(found["update: modulus"]) == expected
    else:
        assert optimizer == "frozen_adam"
        assert number(found["update: modulus"]) > 1  # momentum of 1/2 within, on V = xy


def test_no_group_is_forgotten():
    assert {path.name for path in theory_directory().iterdir()} == {
        "config.yaml", "figure", "game", "optimizer",
    }  # fmt: skip


def test_r1_converges_at_the_rate_of_the_closed_form():
    """The update's determinant is 1 - lr gamma, and its eigenvalues are conjugate."""
    lr, gamma = 0.1, 1.0
    found = facts("loss=wasserstein", "penalty=r1", f"penalty.r1.weight={gamma}", "steps=400")
    expected = math.sqrt(1 - lr * gamma)
    assert number(found["update: modulus"]) == pytest.approx(expected, abs=1e-6)
    measured = number(found["measured rate"])
    assert math.log(measured) == pytest.approx(math.log(expected), rel=0.1)


def test_trajectories_on_the_gaussian_mean_end_where_the_analysis_says():
    """Extragradient on psi (m - theta): 1 - lr^2 +- i lr for each dimension, target (1, -1)."""
    rate = math.hypot(1 - 0.09, 0.3)
    words = ["game=gaussian_mean", "loss=wasserstein", "optimizer=extragradient"]
    found = facts(*words, "learning_rate=0.3", "steps=400")
    assert found["fixed point"] == "discriminator 0, 0; generator 1, -1"
    assert number(found["predicted rate"]) == pytest.approx(rate, abs=1e-6)
    assert math.log(number(found["measured rate"])) == pytest.approx(math.log(rate), rel=0.1)
    assert found["trajectory"].startswith("arrives at the fixed point")


def test_the_largest_stable_learning_rate_of_extragradient_on_bilinear_games_is_one():
    found = facts("game=bilinear", "optimizer=extragradient", "steps=20")
    assert float(found["largest stable learning rate"]) == pytest.approx(1, abs=1e-5)


def test_a_game_that_cannot_be_linearised_lets_the_trajectory_speak():
    weight = "penalty.gradient_penalty.weight=0.3"
    found = facts("loss=wasserstein", "penalty=gradient_penalty", weight, "steps=400")
    assert "no derivative at the fixed point" in found["update"]
    assert "predicted rate" not in found and "measured rate" in found
    assert not found["trajectory"].startswith(("arrives", "comes nearer"))


def test_several_penalties_add_up():
    """R1 and R2 of weight 1 are both psi^2/2 here: together as R1 of weight 2."""
    weights = ["penalty.r1.weight=1", "penalty.r2.weight=1"]
    both = facts("penalty=[r1,r2]", *weights, "steps=20")
    alone = facts("penalty=r1", "penalty.r1.weight=2", "steps=20")
    assert both["update: modulus"] == alone["update: modulus"]


def test_a_sweep_writes_a_table_and_portraits_and_goes_on_past_refusals(theory, capsys, tmp_path):
    folder = tmp_path / "out"
    with pytest.raises(SystemExit) as stop:
        theory("-m", "loss=wasserstein,fisher", "penalty=none,r1", "steps=20")
    said = capsys.readouterr()
    assert stop.value.code == 1 and "Fisher remembers" in said.err
    rows = list(csv.DictReader((folder / "verdicts.csv").open(encoding="utf-8")))
    assert [(row["loss"], row["penalty"], row["update"]) for row in rows] == [
        ("wasserstein", "none", "cycles"),
        ("wasserstein", "r1", "converges"),
        ("fisher", "none", ""),
        ("fisher", "r1", ""),
    ]
    assert [bool(row["refused"]) for row in rows] == [False, False, True, True]
    assert float(rows[0]["modulus"]) == pytest.approx(1.0)
    assert float(rows[1]["largest stable learning rate"]) > 0  # numbers, or empty
    assert [rows[2][name] for name in ("modulus", "measured")] == ["", ""]
    assert (folder / "portraits.png").exists() and "portraits.png" in said.out
    assert json.loads((folder / "1" / "analysis.json").read_text())["portrait"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["game=dirak"], "unknown game 'dirak': did you mean 'dirac'?"),
        (["optimizer=adamw"], "optimizer=adamw is not of the theory: did you mean 'adam'?"),
        (["loss=wassersten"], "unknown loss 'wassersten': did you mean 'wasserstein'"),
        (["figure=saturatoin"], "unknown figure 'saturatoin': did you mean 'saturation'?"),
        (["stepps=3"], "unknown setting 'stepps': did you mean 'steps'"),
        (["learning_rate=0"], "learning_rate must be a positive number, not 0"),
        (["steps=0"], "steps must be a whole number from 1 up, not 0"),
        (["displacement=-1"], "displacement must be a positive number, not -1"),
        (["start=[1]"], "start needs a number for each of the 2 parameters, not 1"),
        (["loss=top_k"], "TopK remembers earlier steps"),
        (["penalty=lecam"], "penalty lecam (LeCam) remembers earlier steps"),
        (["game=bilinear", "penalty=r1"], "penalty has no meaning here"),
        (["game=bilinear", "loss=hinge"], "loss has no meaning here"),
        (["figure=saturation", "game=dirac"], "game has no meaning here"),
        (["figure=gaussian_kl", "figure.covariance=[[1,2],[2,1]]"], "positive definite"),
        (["figure=mode_seeking", "figure.weight=2"], "rest must be a positive number"),
        (
            ["loss=f_gan_kullback_leibler", "game.target=1.0", "search.lower=2"],
            "no fixed point was found with all parameters from 2 to 3",
        ),
    ],
)  # fmt: skip
def test_wrong_input_gets_one_line_and_exit_code_1(refused, words, said):
    assert said in refused(*words)


def test_every_loss_and_penalty_of_the_zoo_can_be_named():
    for choice in group_choices("loss"):
        assert compose_theory([f"loss={choice}"]).loss._target_
    names = [name for name in group_choices("penalty") if name != "none"]
    assert set(compose_theory([f"penalty=[{','.join(names)}]"]).penalty) == set(names)
