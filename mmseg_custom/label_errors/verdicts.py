"""What an annotator has said of components."""

from collections.abc import Mapping

from mmseg_custom.errors import UserError
from mmseg_custom.io.files import PathLike, read_json

WRONG, RIGHT, UNSURE = 'wrong', 'right', 'unsure'
VERDICTS = (WRONG, RIGHT, UNSURE)
Verdicts = Mapping[str, str]


class VerdictError(UserError, ValueError):
    """A file of verdicts that is none; the message says why."""


def read_verdicts(path: PathLike) -> dict[str, str]:
    """Read verdicts on labels, ``wrong``, ``right`` or ``unsure`` by the key of their component.

    Raises:
        VerdictError: If the file holds something else.
        JsonError: If it is no JSON.
    """
    content = read_json(path)
    found = content.get('verdicts') if isinstance(content, dict) else None
    if not isinstance(found, dict):
        raise VerdictError(
            f"{path} holds no verdicts: write {{'verdicts': {{KEY: 'wrong'}}}}, KEY of components.csv."
        )
    unknown = next((item for item in found.items() if item[1] not in VERDICTS), None)
    if unknown:
        raise VerdictError(f'{path}: {unknown[0]!r} is {unknown[1]!r}: a label is one of {", ".join(VERDICTS)}.')
    return found
