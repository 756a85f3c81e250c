"""A worker process of this machine: orders come in on standard input, a line of JSON each, and events go out.

`python -m t2c_ext.batch.worker`. When the other end closes, by whatever, it ends at once: what is finished is kept in
the row's workspace.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from collections.abc import Iterator, Mapping
from queue import SimpleQueue
from typing import IO, Any


def main() -> int:
    """Take orders until there are no more."""
    events = os.fdopen(os.dup(1), "w", encoding="utf-8", errors="surrogateescape")
    os.dup2(2, 1)  # whatever libraries print is no event
    threads = os.environ.get("OMP_NUM_THREADS", "1")
    import cv2

    from t2c_ext.batch.make import make
    from t2c_ext.batch.order import order_from
    from t2c_ext.keeper import Keeper

    cv2.setNumThreads(int(threads) if threads.isdecimal() else 1)
    keeper = Keeper()
    for document in _orders():
        order = order_from(document)

        def tell(stage: str, done: int, total: int, name: str = order.name) -> None:
            _send(events, {"progress": [stage, done, total], "row": name})

        made = make(order, keeper, tell)
        _send(events, {"over": made.document, "row": order.name})
    keeper.close()
    return 0


def _orders() -> Iterator[Mapping[str, Any]]:
    waiting: SimpleQueue[Mapping[str, Any]] = SimpleQueue()

    def listen() -> None:
        for line in sys.stdin.buffer:
            waiting.put(json.loads(line))
        os._exit(0)  # in the middle of a row, too: nobody waits for it any more

    threading.Thread(target=listen, name="orders", daemon=True).start()
    while True:
        yield waiting.get()


def _send(events: IO[str], document: Mapping[str, Any]) -> None:
    try:
        events.write(json.dumps(document) + "\n")
        events.flush()
    except OSError:
        os._exit(0)


if __name__ == "__main__":
    raise SystemExit(main())
