"""All commands as one program: ``python -m ganzoo train model=wgan_gp``."""

import sys
from importlib import import_module

from ganzoo.composition.console import ending_quietly, exit_with, print_version
from ganzoo.errors import nearest

COMMANDS = {
    "train": ("ganzoo.train", "train a model, or many with -m"),
    "evaluate": ("ganzoo.evaluate", "measure a checkpoint, or stored samples"),
    "sample": ("ganzoo.sample", "write samples of a checkpoint"),
    "project": ("ganzoo.project", "find the style or the latent of a picture"),
    "import_weights": ("ganzoo.import_weights", "make a checkpoint of weights of others"),
    "zoo": ("ganzoo.zoo", "show the models and parts, their papers and settings"),
    "theory": ("ganzoo.theory.__main__", "analyse a game, or draw a figure"),
}
USAGE = """\
ganzoo COMMAND [setting=value ...]

{commands}

ganzoo COMMAND --help lists the settings of a command; ganzoo model=wgan_gp is ganzoo train
model=wgan_gp. Without the command ganzoo installed: python -m ganzoo COMMAND."""


def main() -> None:
    """Entry point of the command line."""
    first = sys.argv[1] if len(sys.argv) > 1 else "--help"
    if first in COMMANDS:
        del sys.argv[1]
        _run(first)
    elif first in {"-h", "--help"}:
        with ending_quietly():
            print(usage())
    elif first == "--version":
        print_version()
    elif "=" in first or first.startswith(("-", "~")):
        _run("train")
    else:
        exit_with(f"unknown command {first!r}: {nearest(first, COMMANDS)}")


def usage() -> str:
    """The commands, a line for each."""
    lines = (f"  {name:<16}{said}" for name, (_, said) in COMMANDS.items())
    return USAGE.format(commands="\n".join(lines))


def _run(command: str) -> None:
    import_module(COMMANDS[command][0]).main()


if __name__ == "__main__":
    main()
