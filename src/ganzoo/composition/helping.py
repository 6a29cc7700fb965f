"""What ``--help`` says of a command: one screen, and how to see more."""

import re
import textwrap
from collections.abc import Iterator

from ganzoo.composition.compose import all_groups, group_choices, places_of
from ganzoo.configs import config_directory

ALL_GROUPS_PAGE = "groups"
"""The page of all groups and their choices."""
FIRST = ("model", "loss", "dataset", "trainer")
"""The groups that a user meets first."""
THEN = ("network", "penalty", "augment", "optimizer", "metrics", "logger", "callbacks",
        "experiment")  # fmt: skip
TRAIN = """\
Trains a generative model: a choice from each group, and any setting by its name.

  python -m ganzoo.train group=choice ... setting=value ...

{choices}

Then {then}.
What is inside of a group is chosen by its place: optimizer.ema=exponential, network.latent=uniform.

  python -m ganzoo.train model=wgan_gp dataset=mnist trainer.devices=4
  python -m ganzoo.train model=gan loss=hinge "penalty=[r1,r2]" penalty.r1.weight=3 dataset=grid
  python -m ganzoo.train model=dcgan dataset=image_folder dataset.root=my/pictures optimizer.lr=1e-4
  python -m ganzoo.train -m model=gan,wgan_gp dataset=ring seed=0,1,2
  python -m ganzoo.train checkpoint=last

--help=groups          all groups and their choices
--cfg job              all settings of what is asked for, and no training
-m                     a run for each combination of values
--config-dir FOLDER    configs of your own
--hydra-help           the other options
python -m ganzoo.zoo   the models and parts, their papers and settings"""
_WIDTH = 100
_COLUMN = 11
_WIRING = re.compile(r"^(?:defaults|hydra|metrics|dataset):\n(?:(?: .*)?\n)*", re.MULTILINE)
"""Blocks of a command's config that are not for users."""


def help_of(config_name: str, topic: str = "") -> str:
    """The help of a command.

    Args:
        config_name: Its primary config.
        topic: :data:`ALL_GROUPS_PAGE` for all groups and their choices.
    """
    if topic:
        return "\n".join(
            _rows({place: group for group in all_groups() for place in places_of(group)})
        )
    if config_name == "config":
        choices = "\n".join(_rows({group: group for group in FIRST}))
        return TRAIN.format(choices=choices, then=", ".join(THEN))
    return _own_settings(config_name)


def _rows(groups: dict[str, str]) -> Iterator[str]:
    """A paragraph for each group."""
    for place, group in groups.items():
        start = place if len(place) < _COLUMN else f"{place}\n{'':{_COLUMN}}"
        lines = textwrap.wrap(", ".join(group_choices(group)), _WIDTH - _COLUMN)
        yield f"{start:<{_COLUMN}}" + f"\n{'':{_COLUMN}}".join(lines)


def _own_settings(config_name: str) -> str:
    """A command's settings, as its config file explains them."""
    text = (config_directory() / f"{config_name}.yaml").read_text(encoding="utf-8")
    return _WIRING.sub("", text).strip()
