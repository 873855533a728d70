"""What the files of the training data hold: a label that was corrected is noticed, and its folds stay."""

from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from mmseg_custom.datasets.folds.leaves import Sample
from mmseg_custom.io.files import hash_text
from mmseg_custom.ledger.images import THREADS, image_checksum

DATA_CHECKSUMS = 'data_checksums'  # In a config that `mmseg-kfold run` writes: of the files that it trains on.
KINDS = {'images': 'img_path', 'labels': 'seg_map_path'}


def data_checksums(samples: Iterable[Sample]) -> dict[str, str]:
    """A checksum of all ``images`` and one of all ``labels`` of some samples, wherever their folders are.

    Each file counts by size, head and tail: the tail of a PNG holds a checksum of all of its pixels, so that a label
    in which one pixel was corrected counts as another one.
    """
    by_kind = {kind: {(one.name, one.info.get(key) or '') for one in samples} for kind, key in KINDS.items()}
    return {kind: _checksum(files) for kind, files in by_kind.items()}


def changed_data(before: Mapping[str, str] | None, now: Mapping[str, str] | None) -> str | None:
    """``'images'``, ``'labels'`` or ``'images and labels'`` that are not what they were; ``None`` for none."""
    if not before or not now:
        return None
    return ' and '.join(kind for kind in KINDS if before[kind] != now[kind]) or None


def data_disagreement(records: Iterable[Mapping[str, Any]]) -> str | None:
    """What the data of some runs differ in, as :func:`changed_data`, by their records."""
    known = [record[DATA_CHECKSUMS] for record in records if record.get(DATA_CHECKSUMS)]
    return next((change for one in known[1:] if (change := changed_data(known[0], one))), None)


def _checksum(files: set[tuple[str, str]]) -> str:
    found = sorted(files)
    with ThreadPoolExecutor(THREADS) as pool:
        checksums = pool.map(image_checksum, (path for _, path in found))
        return hash_text('\n'.join(f'{name} {value:x}' for (name, _), value in zip(found, checksums, strict=True)))
