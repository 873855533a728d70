"""Checkpoints that go into an average: mapped from their files, each read once."""

from dataclasses import dataclass

from torch import Tensor

from mmseg_custom.averaging import average_state_dicts
from mmseg_custom.engine.checkpoint_io import hash_weights, load_checkpoint_file, save_checkpoint_file, weights_of
from mmseg_custom.engine.files import PathLike
from mmseg_custom.stages.ledger import Entry
from mmseg_custom.stages.lineage import Lineage, average_lineage, lineage_of

KEPT_META = ('dataset_meta', 'seed', 'mmengine_version')


@dataclass(frozen=True)
class Parent:
    """A checkpoint that goes into an average.

    Attributes:
        weights: Its state dict; the tensors stay in the file until they are used.
        meta: What else it says about itself.
        checksum: Of the weights.
        lineage: Where they come from; unknown images for a file that does not say.
    """

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
    return Parent(weights, meta, hash_weights(weights), lineage_of(meta))


def save_average(
    parents: dict[str, Parent], output: PathLike, kept: tuple[str, ...] = KEPT_META
) -> tuple[dict[str, Tensor], Entry]:
    """Average checkpoints in the order given, and write the average with its lineage.

    Memory of its own takes the average alone, however many parents there are.

    Args:
        parents: The checkpoints by the file names that the lineage shall give them.
        output: Where the average goes.
        kept: Entries of the first one's meta that the average keeps.

    Returns:
        The average, and its checksum ``weights`` and ``lineage``.

    Raises:
        AveragingError: If the checkpoints are of different architectures.
    """
    members = list(parents.values())
    average = average_state_dicts([parent.weights for parent in members])
    described = {file: {'weights': parent.checksum, 'lineage': parent.lineage} for file, parent in parents.items()}
    entry = {'weights': hash_weights(average), 'lineage': average_lineage(described)}
    meta = {key: members[0].meta[key] for key in kept if key in members[0].meta}
    save_checkpoint_file({'meta': {**meta, 'lineage': entry['lineage']}, 'state_dict': average}, output)
    return average, entry
