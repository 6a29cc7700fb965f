"""The evaluating entry point, from checkpoints and stored samples to numbers and files."""

import csv
import json
import subprocess
import sys

import numpy as np
import pytest
import scipy.linalg
import torch
from PIL import Image
from prdc import compute_prdc
from sklearn.datasets import load_digits

import ganzoo
from ganzoo.evaluate import main
from ganzoo.metrics.evaluator import Evaluator
from ganzoo.train import main as train

SAMPLES = 60
FILES = ["metrics.json", "metrics.md", "nearest_generated.png", "nearest_real.png"]


def typed(patch, entry, folder, *words):
    """Call an entry point with a command line, in a folder; return the exit code."""
    patch.chdir(folder)
    patch.setenv("GANZOO_CACHE", str(folder / "cache"))
    patch.setattr(sys, "argv", ["ganzoo", *map(str, words)])
    try:
        entry()
    except SystemExit as stop:
        return stop.code
    return 0


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A run of four updates on larger digits, with a checkpoint at every other one."""
    folder = tmp_path_factory.mktemp("trained")
    words = [
        *("model=conditional_gan", "dataset=digits", "network=mlp", "network.generator.width=8"),
        *("dataset.image_size=10", f"dataset.evaluation_samples={SAMPLES}", "dataset.batch_size=8"),
        *("trainer=smoke", "trainer.accelerator=cpu", "trainer.enable_progress_bar=false"),
        *("metrics.features=pixels", "metrics=[fid,prdc,memorization,kid]", "hydra.run.dir=run"),
        *("callbacks.checkpoints.keep_every_n_steps=2", "network.latent.latent_dim=4"),
    ]
    with pytest.MonkeyPatch.context() as patch:
        assert typed(patch, train, folder, *words) == 0
    return folder / "run"


@pytest.fixture
def evaluate(monkeypatch, tmp_path, capsys):
    """Type a command line in an empty folder; return the exit code and both outputs."""

    def call(*words):
        code = typed(monkeypatch, main, tmp_path, *words)
        return code, capsys.readouterr()

    return call


@pytest.fixture
def values(evaluate, tmp_path):
    """Evaluate; return what metrics.json says of each source's values."""

    def call(*words):
        code, said = evaluate("output=out", *words)
        assert code == 0, said.err
        content = json.loads((tmp_path / "out" / "metrics.json").read_text())
        return [source["values"] for source in content["sources"]]

    return call


@pytest.fixture
def protocol(tmp_path):
    """What metrics.json says besides."""
    return lambda: json.loads((tmp_path / "out" / "metrics.json").read_text())


def digits(first, last):
    """uint8 ``[N, 8, 8]``."""
    return (load_digits().images[first:last] * 15.9).astype(np.uint8)


def folder_of(path, pixels):
    path.mkdir()
    for number, picture in enumerate(pixels):
        Image.fromarray(picture).save(path / f"{number:04d}.png")
    return path


def rows(pixels):
    """What the features `pixels` are, float64."""
    return pixels.reshape(len(pixels), -1).astype(np.float64) / 127.5 - 1


def fid(real, generated):
    """The trace of the root of a product is the sum of the roots of its eigenvalues."""
    means, covariances = zip(*((x.mean(0), np.cov(x.T)) for x in (real, generated)), strict=True)
    roots = np.sqrt(scipy.linalg.eigvals(covariances[0] @ covariances[1]).real.clip(min=0))
    return ((means[0] - means[1]) ** 2).sum() + np.trace(sum(covariances)) - 2 * roots.sum()


def check(found, real, generated, count):
    """Compare values with those of scipy and the package prdc."""
    assert found[f"fid_pixels@{count}"]["mean"] == pytest.approx(fid(real, generated), rel=1e-4)
    for name, expected in compute_prdc(real, generated, nearest_k=5).items():
        assert found[f"{name}_pixels@{count}"]["mean"] == pytest.approx(expected, abs=1e-6), name


def test_a_checkpoint_has_the_values_that_its_run_has_logged(values, trained, protocol):
    """Data set, its settings, classes, latents, real samples and weights: all as in training."""
    logged = json.loads((trained / "summary.json").read_text())["values"]
    (found,) = values(
        f"checkpoint={trained}/checkpoints/last.ckpt",
        "metrics.features=pixels",
        "metrics=[fid,prdc]",
    )
    assert {f"metrics/{name}" for name in found} <= set(logged)
    for name, value in found.items():
        assert value["mean"] == pytest.approx(logged[f"metrics/{name}"], rel=1e-6), name
    assert protocol()["protocol"]["real"]["settings"]["image_size"] == 10
    assert protocol()["sources"][0]["step"] == 4


def test_the_users_word_is_the_last(values, trained):
    place = f"checkpoint={trained}/checkpoints/last.ckpt"
    (found,) = values(
        place, "metrics.features=random", "metrics=fid", "dataset.evaluation_samples=30"
    )
    assert set(found) == {"fid@30"}
    (found,) = values(
        place, "metrics.features=random", "metrics=fid", "samples=40", "dataset=digits"
    )
    assert set(found) == {"fid@40"}


def test_two_folders_have_the_values_of_scipy_and_prdc(values, tmp_path):
    real, fake = digits(0, 300), digits(300, 500)
    fake[:, :4] //= 2
    folder_of(tmp_path / "real", real)
    folder_of(tmp_path / "fake", fake)
    Image.fromarray(digits(0, 1)[0].repeat(9, 0)).save(tmp_path / "fake" / "grid.png")
    (found,) = values("real=real", "fake=fake", "metrics.features=pixels")
    check(found, rows(real), rows(fake), 200)


def test_two_files_have_the_values_of_two_folders(values, tmp_path):
    real, fake = digits(0, 100), digits(100, 200)
    np.savez(tmp_path / "real.npz", samples=real)
    np.savez(tmp_path / "fake.npz", samples=fake[..., None])
    (found,) = values("real=real.npz", "fake=fake.npz", "metrics.features=pixels")
    check(found, rows(real), rows(fake), 100)


def test_points_are_measured_as_points(values, tmp_path):
    random = np.random.default_rng(0)
    real, fake = random.normal(size=(80, 3)), random.normal(size=(70, 3)) * 2
    for name, samples in (("real", real), ("fake", fake)):
        np.savez(tmp_path / f"{name}.npz", samples=samples.astype(np.float32))
    (found,) = values("real=real.npz", "fake=fake.npz")
    for name, expected in compute_prdc(real, fake, nearest_k=5).items():
        assert found[f"{name}@70"]["mean"] == pytest.approx(expected, abs=1e-6), name
    assert found["wasserstein@70"]["mean"] > 1
    assert (tmp_path / "out" / "scatter.png").is_file()


def test_stored_samples_against_a_data_set(values, tmp_path, protocol):
    real = (load_digits().images * 255 / 16).round()  # to the nearest level, as the data set does
    fake = digits(0, 50)
    folder_of(tmp_path / "fake", fake)
    words = ("fake=fake", "dataset=digits", "metrics.features=pixels", "metrics=quality")
    (found,) = values(*words, "metrics.evaluator.real_samples=1797")
    check(found, rows(real), rows(fake), 50)
    assert protocol()["protocol"]["counts"] == {"generated": 50, "real": 1797}


def test_what_the_data_cannot_give_is_left_out_with_a_line(evaluate, trained, tmp_path, protocol):
    """One such metric ended the evaluation; these digits have nothing held out."""
    code, said = evaluate(
        *(
            f"checkpoint={trained}/checkpoints/last.ckpt",
            "metrics.features=[pixels,random]",
            "output=out",
        ),
        *("metrics=[kid,prdc,memorization,inception_score]", "seeds=2", "samples=50"),
        *("metrics.kid.subset_size=200", "logger=[csv,tensorboard]"),
    )
    assert code == 0, said.err
    content = protocol()
    kept = content["protocol"]["left_out"]
    assert "set metrics.kid.subset_size lower" in kept["kid on pixels"]
    assert "dataset.held_out_root" in kept["memorization on random"]
    assert "no class logits" in kept["inception_score on pixels"]
    lines = [line for line in said.err.splitlines() if "is left out" in line]
    assert lines == [f"{name} is left out: {why}" for name, why in kept.items()]
    (values,) = (source["values"] for source in content["sources"])
    assert set(values) == {
        f"{name}_{features}@50"
        for name in ("precision", "recall", "density", "coverage")
        for features in ("pixels", "random")
    }
    (row,) = csv.DictReader((tmp_path / "out" / "metrics.csv").open())
    assert row["step"] == "4"
    logged = {f"metrics/{name}": f"{value['mean']}" for name, value in values.items()}
    assert logged.items() <= row.items()
    assert "metrics/recall_pixels@50_deviation" in row
    assert list((tmp_path / "out" / "tensorboard").glob("events.*"))


def test_training_goes_on_without_what_its_data_cannot_give(trained):
    values = json.loads((trained / "summary.json").read_text())["values"]
    assert any("recall" in name and name.endswith(f"@{SAMPLES}") for name in values)
    assert not any("copying" in name or "kid" in name for name in values)


def test_pictures_of_any_kind_are_measured_in_the_shape_of_the_generated_ones(
    values, trained, tmp_path, protocol
):
    """The same folder that training takes; the record says what was done."""
    folder_of(tmp_path / "real", digits(0, 60).repeat(2, 1).repeat(2, 2))
    Image.new("RGBA", (30, 20), (9, 9, 9, 99)).save(tmp_path / "real" / "a.png")
    Image.fromarray(np.zeros((20, 20), np.float32)).save(tmp_path / "real" / "b.tiff")
    (tmp_path / "real" / "c.png").write_bytes(b"")
    (tmp_path / "real" / "up").symlink_to("..")
    words = ("real=real", "metrics.features=pixels", "metrics=fid")
    (found,) = values(f"checkpoint={trained}/checkpoints/last.ckpt", "samples=20", *words)
    assert set(found) == {"fid_pixels@20"}
    assert protocol()["protocol"]["counts"]["real"] == 62
    assert protocol()["protocol"]["real"]["conversions"] == {
        "of 32 bits scaled to 8": 1,
        "of colour turned to grey": 1,
        "with transparency laid on white": 1,
        "resized": {"pictures": 62, "from": "16 x 16 ... 20 x 30", "to": "10 x 10"},
        "left out, unreadable": 1,
    }
    np.savez(tmp_path / "fake.npz", arr_0=digits(60, 90) / 255)
    (found,) = values("fake=fake.npz", *words)
    content = protocol()
    assert content["sources"][0]["conversions"] == {"scaled to 0 to 255": "from 0 to 1"}
    assert content["protocol"]["real"]["conversions"]["resized"]["pictures"] == 62


def test_seeds_give_mean_and_deviation_over_latents(values, trained, tmp_path, protocol):
    """Against values by hand: the model's samples of each seed, and the same real ones."""
    real = np.random.default_rng(0).integers(0, 256, (70, 10, 10), dtype=np.uint8)
    labels = np.arange(70) % 10
    np.savez(tmp_path / "real.npz", samples=real, labels=labels)
    place = trained / "checkpoints" / "last.ckpt"
    words = (f"checkpoint={place}", "real=real.npz", "metrics.features=pixels", "metrics=fid")
    (found,) = values(*words, "seeds=3", "seed=5", "samples=80")
    model, each = ganzoo.load(place), []
    for seed in (5, 6, 7):
        samples = model.sample(80, seed=seed, labels=torch.arange(80) % 70 % 10)
        levels = ((samples + 1) * 127.5).round().numpy()
        each.append(fid(rows(real), rows(levels)))
    value = found["fid_pixels@80"]
    assert value["each_seed"] == pytest.approx(each, rel=1e-3)
    assert value["mean"] == pytest.approx(np.mean(each), rel=1e-3)
    assert value["deviation"] == pytest.approx(np.std(each, ddof=1), rel=1e-2)
    assert protocol()["protocol"]["seeds"] == [5, 6, 7]
    assert protocol()["protocol"]["counts"] == {"generated": 80, "real": 70}


def test_checkpoints_of_a_run_make_a_curve_against_one_real_side(
    values, trained, tmp_path, monkeypatch, protocol
):
    references = []
    reference = Evaluator.reference
    monkeypatch.setattr(
        Evaluator, "reference", lambda *words: references.append(1) or reference(*words)
    )
    found = values(f"checkpoint={trained}", "metrics.features=pixels", "metrics=fid")
    steps = [source["step"] for source in protocol()["sources"]]
    assert steps == sorted(set(steps)) == [2, 4]  # the last, the best and the fourth are one
    assert found[0] != found[1]
    assert (tmp_path / "out" / "curve.png").is_file()
    assert references == [1]
    one, two = (trained / "checkpoints" / f"{name}.ckpt" for name in ("best", "step_00000002"))
    assert found == values(f"checkpoint=['{one}',{two}]", "metrics.features=pixels", "metrics=fid")


def test_a_bootstrap_shows_intervals_that_widen_with_confidence(values, tmp_path, protocol):
    np.savez(tmp_path / "a.npz", samples=digits(0, 60))
    np.savez(tmp_path / "b.npz", samples=digits(60, 120))
    words = (
        "real=a.npz",
        "fake=b.npz",
        "metrics.features=pixels",
        "metrics=fid",
        "bootstrap.resamples=30",
    )
    (narrow,) = values(*words, "bootstrap.confidence=0.5")
    (wide,) = values(*words, "bootstrap.confidence=0.99")
    assert set(narrow) == set(wide) == {"fid_pixels@60"}
    ((low, high),), ((lowest, highest),) = (
        one["fid_pixels@60"]["intervals"] for one in (narrow, wide)
    )
    assert lowest < low < high < highest
    expected = fid(rows(digits(0, 60)), rows(digits(60, 120)))
    assert narrow["fid_pixels@60"]["mean"] == pytest.approx(expected, rel=1e-4)
    kept = protocol()["protocol"]["metrics"]["fid"]
    assert kept["metric"] == "FrechetDistance"
    assert kept["bootstrap"] == {"resamples": 30, "confidence": 0.99}


def test_the_whole_protocol_is_kept(values, trained, protocol):
    import hashlib

    path = trained / "checkpoints" / "last.ckpt"
    values(
        f"checkpoint={path}",
        "metrics.features=random",
        "metrics=[prdc]",
        "metrics.prdc.neighbors=4",
    )
    content = protocol()
    (source,), kept = content["sources"], content["protocol"]
    assert source["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert (source["checkpoint"], source["weights"]) == (str(path), "averaged")
    assert source["samples"] == "of latents"
    assert kept["counts"] == {"generated": SAMPLES, "real": SAMPLES}
    assert kept["real"]["dataset"] == "digits" and kept["real"]["split"] == "train"
    assert kept["metrics"]["prdc"] == {"metric": "PRDC", "neighbors": 4}
    assert len(kept["features"]["random"]["fingerprint"]) == 64
    wanted = {"ganzoo", "torch", "torchvision", "torchmetrics", "lightning", "numpy", "scipy"}
    assert wanted <= set(content["versions"])
    assert content["device"] and content["seconds"] >= source["seconds"] > 0


def test_nothing_but_the_files_is_left_and_the_table_is_printed(evaluate, trained, tmp_path):
    code, said = evaluate(
        f"checkpoint={trained}/checkpoints/last.ckpt", "metrics.features=random", "output=a/b"
    )
    assert code == 0
    assert sorted(path.name for path in (tmp_path / "a" / "b").iterdir()) == FILES
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "cache"]
    lines = said.out.splitlines()
    assert lines[0].startswith("| metric") and lines[-1] == "a/b/metrics.json"
    assert said.out.split("\n\n")[0] in (tmp_path / "a" / "b" / "metrics.md").read_text()


def test_a_checkpoint_from_before_settings_were_kept(values, trained, tmp_path):
    saved = torch.load(trained / "checkpoints" / "last.ckpt", weights_only=True)
    del saved["ganzoo"]["configuration"]["dataset"]["settings"]
    torch.save(saved, tmp_path / "old.ckpt")
    (found,) = values(
        "checkpoint=old.ckpt", "metrics.features=pixels", "metrics=fid", "dataset.image_size=10"
    )
    assert set(found) == {"fid_pixels@1797"}


@pytest.fixture
def places(trained, tmp_path):
    """Good and bad input in the current folder."""
    (tmp_path / "good.ckpt").symlink_to(trained / "checkpoints" / "last.ckpt")
    folder_of(tmp_path / "small", digits(0, 4))
    folder_of(tmp_path / "good", digits(0, 20))
    folder_of(tmp_path / "colour", digits(0, 20)[..., None].repeat(3, axis=3))
    (tmp_path / "empty").mkdir()
    np.savez(tmp_path / "nan.npz", samples=np.array([[0.0, np.nan], [1.0, 2.0]]))
    np.savez(tmp_path / "other.npz", images=digits(0, 20), more=digits(0, 20))
    (tmp_path / "bad.ckpt").write_bytes(b"no checkpoint")
    return tmp_path


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "give either checkpoint=PATH or fake=PATH"),
        (["checkpoint=good.ckpt", "fake=good"], "give either checkpoint=PATH or fake=PATH"),
        (["fake=good"], "add real=PATH or dataset=NAME"),
        (
            ["real=good", "fake=small", "metrics.features=pixels", "metrics=prdc"],
            "needs at least 6 generated samples, got 4: set metrics.evaluator.samples higher",
        ),
        (
            ["checkpoint=good.ckpt", "metrics.features=pixels", "metrics=memorization"],
            "dataset.held_out",
        ),
        (["real=good", "fake=good", "samples=21", "metrics.features=pixels"], "holds 20"),
        (["dataset=digits", "fake=colour"], "are [3, 8, 8], real ones [1, 8, 8]"),
        (["real=good", "fake=good.ckpt"], "nor an .npz file: write checkpoint=PATH"),
        (["checkpoint=colour"], "stored samples are given as fake=PATH"),
        (["real=good", "fake=empty"], "there is no picture in empty"),
        (["real=nan.npz", "fake=nan.npz"], "1 of 2 samples in nan.npz are NaN"),
        (["real=good", "fake=other.npz"], "has no array `samples`"),
        (["real=good", "fake=good", "metrics.features.inception.weights=no.pth"], "no.pth"),
        (["checkpoint=nothing.ckpt"], "there is no checkpoint at nothing.ckpt"),
        (["checkpoint=bad.ckpt"], "bad.ckpt is damaged or is no checkpoint"),
        (["checkpoint=good.ckpt", "metrics=fidd"], "did you mean 'fid'"),
        (["checkpoint=good.ckpt", "output=bad.ckpt/out"], "cannot write to bad.ckpt/out"),
        (["checkpoint=good.ckpt", "seeds"], "write setting=value"),
    ],
)
def test_wrong_input(evaluate, places, words, message):
    before = sorted(places.rglob("*"))
    code, said = evaluate(*words)
    assert code == 1
    *before_it, line = said.err.strip().splitlines()
    assert line.startswith("ganzoo: ") and message in line and len(line) < 300
    assert all(one.startswith(("reading ", "measuring ", "real samples ")) for one in before_it)
    after = [path for path in sorted(places.rglob("*")) if "cache" not in path.parts]
    assert after == before


def test_torch_is_not_imported_before_it_is_needed(tmp_path):
    watch = "import atexit, sys; atexit.register(lambda: print('torch' in sys.modules))"
    program = f"{watch}; from ganzoo.evaluate import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", program, "--help"], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert "metrics" in done.stdout and done.stdout.splitlines()[-1] == "False"
