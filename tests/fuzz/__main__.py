"""The command: a table of what became of the tries, by door; exit code 1 where one failed."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from tests.fuzz.doors import DOORS
from tests.fuzz.runner import OUTCOMES, fuzz


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--tries", type=int, default=1500, help="over all doors")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--door", choices=DOORS, action="append", help="only this one; may be given again")
    parser.add_argument("--keep", type=Path, help="where the inputs of failures are left")
    options = parser.parse_args()
    doors = options.door or list(DOORS)
    keep = options.keep or Path(tempfile.mkdtemp(prefix="fuzz-failures-"))
    print("| door | tries | " + " | ".join(OUTCOMES) + " |\n|---" * 1 + "|---" * (len(OUTCOMES) + 1) + "|")
    failed, failures = 0, []
    for number, door in enumerate(doors):
        tries = options.tries // len(doors) + (number < options.tries % len(doors))
        tally = fuzz([door], tries, options.seed, keep)
        counts = " | ".join(str(tally.counts[name]) for name in OUTCOMES)
        print(f"| {door} | {tries} | {counts} |", flush=True)
        failed += tally.failed
        failures += tally.failures
    print("\n".join(failures))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
