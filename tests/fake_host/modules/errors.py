"""The console."""


def report(message: str, *, exc_info: bool = False) -> None:
    print(message)
