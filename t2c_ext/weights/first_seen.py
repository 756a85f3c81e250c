"""What a source gave when it was first asked, so that another file under the same name is noticed later.

Where a maker published a commit or a checksum, the catalogue has it. Elsewhere the first download decides: its commit,
or the sha256 of its archive, is kept in the folder that it went to, and every later one has to agree.
"""

from __future__ import annotations

import json
from pathlib import Path

from t2c_ext.atomic import write_text
from t2c_ext.errors import UserError

RECORD = "t2c-first-seen.json"
"""Name of the record in the folder of models, or in the hub's cache."""


def first_seen(folder: Path, source: str) -> str:
    """The commit or checksum that a source had at first, or "" when it was never asked.

    Raises:
        UserError: the record is damaged; to go on without it could accept another file.
    """
    return _read(folder).get(source, "")


def keep_first_seen(folder: Path, source: str, value: str) -> None:
    """Keep what a source gave, or compare it with what it gave at first.

    Raises:
        UserError: it is something else now; or as `first_seen`.
    """
    known = _read(folder)
    if source not in known:
        write_text(folder / RECORD, json.dumps(known | {source: value}, indent=1, sort_keys=True) + "\n")
    elif known[source] != value:
        raise UserError(
            f"{source} is not what it was at the first download: {value[:12]} instead of {known[source][:12]}; "
            f"if you trust the new one, delete its line in {folder / RECORD}"
        )


def _read(folder: Path) -> dict[str, str]:
    path = folder / RECORD
    if not path.exists():
        return {}
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return {str(source): str(value) for source, value in content.items()}
    except (OSError, ValueError, AttributeError, RecursionError):
        raise UserError(f"{path} is damaged; delete it to begin anew") from None
