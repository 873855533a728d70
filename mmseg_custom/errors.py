"""The base of every error that a user can do something about."""


class UserError(Exception):
    """An error whose message names the wrong value and the way out; the tools show it without a traceback."""
