"""What can go wrong with the inputs and parts of a prediction."""

from mmseg_custom.errors import UserError


class InputError(UserError, ValueError):
    """An image, video or model that cannot be used; the message names the file."""
