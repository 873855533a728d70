"""What an annotator has said of components."""

from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np

from mmseg_custom.datasets.fix_list import FixList, Region
from mmseg_custom.errors import UserError
from mmseg_custom.io.files import PathLike, read_json
from mmseg_custom.label_errors.components import Component

WRONG, RIGHT, UNSURE = 'wrong', 'right', 'unsure'
VERDICTS = (WRONG, RIGHT, UNSURE)
Verdicts = Mapping[str, str]


class VerdictError(UserError, ValueError):
    """A file of verdicts that is none; the message says why."""


def fixes_of(
    verdicts: Verdicts,
    components: Sequence[Component],
    images: Iterable[str],
    pixels: Callable[[Component], np.ndarray],
) -> tuple[FixList, list[str]]:
    """What training is to leave out by what was judged wrong: components become void, images are left out.

    Args:
        verdicts: By the key of a component, or by the name of an image.
        components: That there are.
        images: Their names.
        pixels: The pixels of a component, bool (H, W).

    Returns:
        The fix list, and the keys that are neither's.
    """
    wrong = {key for key, verdict in verdicts.items() if verdict == WRONG}
    known = {one.key: one for one in components}
    left_out = wrong & set(images)
    void = [
        Region.of(one.image, pixels(one), key)
        for key, one in known.items()
        if key in wrong and one.image not in left_out
    ]
    return FixList(sorted(left_out), void), sorted(wrong - left_out - known.keys())


def read_verdicts(path: PathLike) -> dict[str, str]:
    """Read verdicts on labels, ``wrong``, ``right`` or ``unsure`` by component or image.

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
