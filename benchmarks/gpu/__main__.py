"""Everything that a GPU is needed for, in one command of a few minutes.

    python -m benchmarks.gpu --collect FOLDER              # once, where packages can be fetched
    python -m benchmarks.gpu --minutes 9 --out DIR --carried FOLDER
    python -m benchmarks.gpu --rehearse --out DIR          # the same on a CPU, with tiny settings

``results.json`` in DIR is written anew after each part: machine, versions, commit, and every number
with its spread. A part that fails or runs out of its time leaves what it had, and the next begins.
"""

import argparse
from pathlib import Path

from benchmarks.gpu.collect import collect
from benchmarks.gpu.plan import Limits, parts
from benchmarks.gpu.runner import Runner


def main() -> int:
    """Collect, or run all parts; the exit code is 0 where every part ended well."""
    arguments = _arguments()
    if arguments.collect:
        return collect(arguments.collect, arguments.pictures)
    limits = Limits(minutes=arguments.minutes, rehearsal=arguments.rehearse)
    runner = Runner(out=arguments.out, carried=arguments.carried, limits=limits)
    chosen = [part for part in parts(limits) if not arguments.only or part.name in arguments.only]
    return runner.run(chosen)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.gpu",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--minutes", type=float, default=9.0, help="for everything together")
    parser.add_argument("--out", type=Path, default=Path("runs/gpu"), help="folder of the results")
    parser.add_argument("--carried", type=Path, help="folder that --collect made")
    parser.add_argument("--rehearse", action="store_true", help="on the CPU, tiny, 80 seconds")
    parser.add_argument(
        "--only", nargs="*", default=[], metavar="PART", help="leave out the others"
    )
    parser.add_argument("--collect", type=Path, metavar="FOLDER", help="gather what is carried")
    parser.add_argument(
        "--pictures", type=Path, help="packed pictures to carry (CIFAR-10, .tar.xz)"
    )
    return parser.parse_args()


if __name__ == "__main__":
    raise SystemExit(main())
