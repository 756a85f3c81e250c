"""One thread does the work on the GPU; what fails there is printed."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

NAME = "forge"


def run_and_wait_result(function: Callable[..., Any], *arguments: Any) -> Any:
    results: list[Any] = [None]

    def work() -> None:
        try:
            results[0] = function(*arguments)
        except Exception as error:
            print("swallowed:", error)

    thread = threading.Thread(target=work, name=NAME)
    thread.start()
    thread.join()
    return results[0]
