"""Words of the command line that mean one thing are read so; others say how to write them."""

import shlex

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ganzoo.composition.compose import compose_config
from ganzoo.composition.overrides import how_to_quote, hydra_overrides, parse
from ganzoo.configs import config_directory
from ganzoo.errors import InputError

FOLDERS = [config_directory()]
PATHS = [
    "runs/epoch=0-step=5.ckpt",
    "~/x",
    "x (copy)",
    "photos(1)",
    "a#b",
    "a{b}",
    "a[1]",
    "a;b",
    "it's",
    "a!b&c",
    "é/ü",
    "C:\\Users\\me",
    "a: b",
    "100%",
]


@pytest.mark.parametrize("path", PATHS)
def test_a_path_is_read_as_it_was_written(path):
    (word,) = hydra_overrides([f"checkpoint={path}"], FOLDERS)
    assert parse(word).value() == path
    assert hydra_overrides([word], FOLDERS) == [word]


@settings(max_examples=100, deadline=None)
@given(st.text(st.sampled_from("ab1~#;&!%é=()'\\/.: -"), min_size=1, max_size=10))
def test_text_is_never_read_as_other_text(text):
    try:
        (word,) = hydra_overrides([f"checkpoint={text}"], FOLDERS)
    except InputError as error:
        assert "cannot read" in str(error) or not text.strip(" '")
        return
    value = parse(word).value()
    plain = text.replace("\\", "").replace("'", "").strip()
    assert not isinstance(value, str) or value.replace("\\", "").replace("'", "").strip() == plain


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("logger=false", "logger=none"),
        ("logger=None", "logger=none"),
        ("optimizer.ema=null", "optimizer/ema=none"),
        ("penalty=", "penalty=none"),
        ("~penalty", "penalty=none"),
        ("optimizer.schedule=null", "optimizer/schedule=constant"),
        ("experiment=null", "experiment=none"),
        (
            "network.generator_normalization=null",
            "network/normalization@network.generator_normalization=none",
        ),
        ("optimizer.ema=null,exponential", "optimizer/ema=none,exponential"),
        ("~augment.replay", "augment/replay=none"),
        ("penalty=[r1,r2]", "penalty=[r1,r2]"),
        ("checkpoint=null", "checkpoint=null"),
        ("model.ema=null", "model.ema=null"),
    ],
)
def test_nothing_is_the_choice_that_adds_nothing(word, meant):
    assert hydra_overrides([word], FOLDERS) == [meant]


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("optimizer.ema=exponential", "optimizer/ema=exponential"),
        ("optimizer/ema=exponential", "optimizer/ema=exponential"),
        ("optimizer.update_rule=simultaneous,consensus",
         "optimizer/update_rule=simultaneous,consensus"),
        ("optimizer.ema=choice(none,uniform)", "optimizer/ema=choice(none,uniform)"),
        ("network.discriminator=mlp", "network/discriminator=mlp"),
        ("network.generator_normalization=batch",
         "network/normalization@network.generator_normalization=batch"),
        ("network.discriminator_normalization=spectral",
         "network/normalization@network.discriminator_normalization=spectral"),
        ("metrics.features=[pixels,random]", "metrics/features=[pixels,random]"),
        ("sweep.sampler=grid", "sweep/sampler=grid"),
        ("loss.loss=hinge", "loss@loss.loss=hinge"),
        ("optimizer.ema=exponentiall", "optimizer/ema=exponentiall"),
        ("optimizer.ema.decay=0.9", "optimizer.ema.decay=0.9"),
        ("optimizer.ema={decay:0.9}", "optimizer.ema={decay:0.9}"),
        ("+optimizer.ema=exponential", "+optimizer.ema=exponential"),
        ("metrics.features.timm.model=resnet18", "metrics.features.timm.model=resnet18"),
        ("network.generator.width=range(1,4)", "network.generator.width=range(1,4)"),
        ("hydra.sweeper=basic", "hydra.sweeper=basic"),
        ("dataset.base=images", "dataset.base=images"),
    ],
)  # fmt: skip
def test_a_name_at_the_place_of_a_group_chooses_from_it(word, meant):
    assert hydra_overrides([word], FOLDERS) == [meant]


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("model=null", "model must be chosen: model=NAME, with one of acgan"),
        ("~dataset", "dataset must be chosen"),
        ("loss=false", "loss must be chosen"),
        ("model=[gan,wgan]", "model=gan and model=wgan exclude each other"),
        ("checkpoint=", "checkpoint is empty: give it a value, or checkpoint=null for none"),
        ("=5", "cannot read '=5': write setting=value"),
        ("gan", "cannot read 'gan': write setting=value"),
        ("run_dir=${foo", "its '${' has no '}'"),
        ("dataset.root={b", "quoted, as in 'dataset.root=\"{b\"'"),
        ("dataset.root=a,b (1)", "quoted, as in 'dataset.root=\"a,b (1)\"'"),
    ],
)
def test_what_has_no_one_meaning_is_refused(word, said):
    with pytest.raises(InputError) as caught:
        hydra_overrides([word], FOLDERS)
    assert said in str(caught.value)
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize("text", ["a,b", "{b", 'say "a"', "it's, or not"])
def test_the_advice_works_in_a_shell(text):
    (word,) = shlex.split(how_to_quote("checkpoint", text))
    assert hydra_overrides([word], FOLDERS) == [word] and parse(word).value() == text


def test_the_same_in_python():
    assert compose_config(["optimizer.ema=null", "logger=false"]).logger == {}
    assert compose_config(["checkpoint=a/epoch=0.ckpt"]).checkpoint == "a/epoch=0.ckpt"
