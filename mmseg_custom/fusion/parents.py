"""Checkpoints that go into an average: mapped from their files, each read once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from mmseg_custom.averaging import average_state_dicts
from mmseg_custom.io.checkpoints.checkpoint_file import (
    hash_weights,
    load_checkpoint_file,
    save_checkpoint_file,
    weights_of,
)
from mmseg_custom.io.files import PathLike
from mmseg_custom.ledger.lineage import Lineage, average_lineage, lineage_of
from mmseg_custom.ledger.stage_ledger import Entry

KEPT_META = ('dataset_meta', 'seed', 'mmengine_version')


@dataclass(frozen=True)
class Parent:
    """A checkpoint that goes into an average.

    Attributes:
        file: What a lineage calls it.
        weights: Its state dict; the tensors stay in the file until they are used.
        meta: What else it says about itself.
        checksum: Of the weights.
        lineage: Where they come from; unknown images for a file that does not say.
    """

    file: str
    weights: dict[str, Tensor]
    meta: dict
    checksum: str
    lineage: Lineage


def read_parent(path: PathLike) -> Parent:
    """Map a checkpoint file.

    Raises:
        CheckpointError: If the file cannot be used.
    """
    checkpoint = load_checkpoint_file(path, mmap=True)
    weights = weights_of(checkpoint, path)
    meta = checkpoint['meta'] if 'state_dict' in checkpoint else {}
    return Parent(str(path), weights, meta, hash_weights(weights), lineage_of(meta))


def average_parents(parents: Sequence[Parent], coefficients: Sequence[float] | None = None) -> dict[str, Tensor]:
    """The average of checkpoints in the order given; a single one is not copied.

    Memory of its own takes the average alone, however many parents there are.

    Args:
        parents: The checkpoints.
        coefficients: As :func:`~mmseg_custom.averaging.average_state_dicts`.

    Raises:
        AveragingError: If the checkpoints are of different architectures.
    """
    if len(parents) == 1:
        return parents[0].weights
    return average_state_dicts([parent.weights for parent in parents], coefficients)


def save_average(
    weights: Mapping[str, Tensor],
    parents: Sequence[Parent],
    output: PathLike,
    kept: Sequence[str] = KEPT_META,
    statistics: Entry | None = None,
) -> Entry:
    """Write an average of checkpoints with its lineage.

    Args:
        weights: The average.
        parents: The checkpoints it was made from.
        output: Where it goes.
        kept: Entries of the first one's meta that the average keeps.
        statistics: The images that its batch norm statistics were measured on, ``None`` for those of the parents.

    Returns:
        Its checksum ``weights``, ``file`` and ``lineage``.
    """
    ingredients = {parent.file: {'weights': parent.checksum, 'lineage': parent.lineage} for parent in parents}
    lineage = average_lineage(ingredients, statistics)
    meta = {key: parents[0].meta[key] for key in kept if key in parents[0].meta}
    save_checkpoint_file({'meta': {**meta, 'lineage': lineage}, 'state_dict': dict(weights)}, output)
    return {'file': Path(output).name, 'weights': hash_weights(dict(weights)), 'lineage': lineage}
