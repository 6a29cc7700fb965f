"""What all parts share: their arguments, their clock, and the file that they leave."""

import argparse
import json
import os
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

REHEARSAL = os.environ.get("GANZOO_REHEARSE") == "1"


@dataclass
class Report:
    """What a part found so far, written anew with each number.

    Attributes:
        out: Folder of the file and of pictures.
        name: Of the part.
        seconds: That the part may take.
    """

    out: Path
    name: str
    seconds: float
    found: dict[str, Any] = field(default_factory=dict)
    started: float = field(default_factory=time.monotonic)

    @classmethod
    def begin(cls, name: str) -> "Report":
        """Read the command line of a part."""
        parser = argparse.ArgumentParser()
        parser.add_argument("--out", type=Path, required=True)
        parser.add_argument("--seconds", type=float, required=True)
        arguments = parser.parse_args()
        return cls(arguments.out, name, arguments.seconds)

    @property
    def left(self) -> float:
        """Seconds that are left."""
        return self.seconds - (time.monotonic() - self.started)

    def put(self, **found: Any) -> None:
        """Add what was found, and write everything."""
        self.found |= found
        path = self.out / f"{self.name}.json"
        path.write_text(json.dumps(self.found) + "\n")
