"""What all parts share: their arguments, their clock, and the file that they leave."""

import argparse
import json
import os
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

REHEARSAL = os.environ.get("GANZOO_REHEARSE") == "1"
ONE_DEVICE = "there is one device"
"""Why what needs several is left out."""


@dataclass
class Report:
    """What a part found so far, written anew with each number.

    Attributes:
        out: Folder of what is kept beside the numbers: pictures.
        work: Folder of the file, and of what is thrown away after all parts.
        name: Of the part.
        seconds: That the part may take.
    """

    out: Path
    work: Path
    name: str
    seconds: float
    found: dict[str, Any] = field(default_factory=dict)
    started: float = field(default_factory=time.monotonic)

    @classmethod
    def begin(cls, name: str) -> "Report":
        """Read the command line of a part."""
        parser = argparse.ArgumentParser()
        parser.add_argument("--out", type=Path, required=True)
        parser.add_argument("--work", type=Path, required=True)
        parser.add_argument("--seconds", type=float, required=True)
        arguments = parser.parse_args()
        return cls(arguments.out, arguments.work, name, arguments.seconds)

    @property
    def devices(self) -> int:
        """How many GPUs there are; two processes stand for two in a rehearsal."""
        results = json.loads((self.out / "results.json").read_text())
        return 2 if REHEARSAL else len(results["gpus"])

    @property
    def left(self) -> float:
        """Seconds that are left."""
        return self.seconds - (time.monotonic() - self.started)

    def put(self, **found: Any) -> None:
        """Add what was found, and write everything, so that a part may be ended at any moment."""
        self.found |= found
        unfinished = self.work / f"{self.name}.unfinished"
        unfinished.write_text(json.dumps(self.found) + "\n")
        unfinished.replace(self.work / f"{self.name}.json")
