"""Lines for the user, and who takes them."""

from collections.abc import Callable

Report = Callable[[str], None]


def say(line: str) -> None:
    """Print a line at once, also into a pipe."""
    print(line, flush=True)
