"""Every image and label of a data set read once, and every fault of theirs named."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from mmengine.config import Config

from mmseg_custom.datasets.checks.image_modes import describe_images
from mmseg_custom.datasets.checks.label_survey import add_up, describe_labels, describe_single_class
from mmseg_custom.datasets.checks.leftover_files import describe_leftovers
from mmseg_custom.datasets.checks.pair_checks import Fault, PairCheck, check_pair, size_text
from mmseg_custom.datasets.class_colours import classes_of
from mmseg_custom.datasets.folds.kfold_dataset import PARTS, KFoldDataset
from mmseg_custom.datasets.folds.official_splits import official_splits
from mmseg_custom.datasets.label_reader import LabelReader
from mmseg_custom.datasets.parallel import Progress, map_in_processes
from mmseg_custom.datasets.sample_files import as_suffixes, files_by_name, list_files


@dataclass(frozen=True)
class Verification:
    """What reading every file of a data set gave.

    Attributes:
        faults: Sorted by kind and file.
        notes: Sentences on what is no fault of a file, but makes one wonder.
    """

    faults: list[Fault]
    notes: list[str]


def verify(cfg: Config, workers: int = 1, on_progress: Progress | None = None) -> list[Fault]:
    """The faults of :func:`examine`."""
    return examine(cfg, workers, on_progress).faults


def examine(cfg: Config, workers: int = 1, on_progress: Progress | None = None) -> Verification:
    """Read every image and label of the train and, if the config has one, the official val split.

    Args:
        cfg: A config whose data sets are :class:`KFoldDataset`; images of its ``skip_list`` are not looked at.
        workers: Number of processes. Defaults to 1.
        on_progress: Called with the number of pairs read and their total.

    Raises:
        FileNotFoundError: If a split has no images at all.
        FoldError: If all images of val are images of train.
    """
    settings, datasets = cfg.train_dataloader.dataset, official_splits(cfg)
    pairs = [pair for part, dataset in datasets.items() for pair in name_pairs(part, dataset)]
    check = partial(check_pair, reader=LabelReader(settings), convert=datasets['train'].convert_images)
    checks = list(map_in_processes(check, pairs, workers, on_progress))
    splits = {part: [check for check in checks if check.name.startswith(f'{part}/')] for part in PARTS}
    faults = [fault for check in checks for fault in check.faults]
    for part, dataset in datasets.items():
        faults += [*find_odd_sizes(splits[part]), *find_duplicates(splits[part]), *find_stray_labels(dataset)]
    classes = classes_of(settings)
    counts = {part: [check.counts for check in splits[part] if check.counts is not None] for part in PARTS}
    train, val = (add_up(counts[part], len(splits[part])) for part in PARTS)
    single = train and describe_single_class(train, classes)
    if single:
        faults.append(Fault('one class alone', str(datasets['train'].data_prefix['seg_map_path']), single))
    images = describe_images([sample for _, sample in pairs], datasets['train'].convert_images)
    notes = [*describe_leftovers(list(datasets.values())), *([images] if images else [])]
    return Verification(
        sorted([*faults, *find_leaks(**splits)]), [*notes, *([] if single else describe_labels(train, val, classes))]
    )


def name_pairs(part: str, dataset: KFoldDataset) -> list[tuple[str, dict]]:
    """The samples of a split, each behind the ``SPLIT/NAME`` of its image."""
    return [(f'{part}/{dataset.name_of(sample)}', sample) for sample in dataset.load_data_list()]


def describe_faults(faults: Sequence[Fault]) -> str:
    """One line a fault, then how many there are of each kind."""
    if not faults:
        return 'no fault'
    kinds = Counter(fault.kind for fault in faults)
    total = f'{len(faults)} faults: ' + ', '.join(f'{count} {kind}' for kind, count in kinds.items())
    return '\n'.join([*map(str, faults), total])


def find_odd_sizes(checks: Sequence[PairCheck]) -> Iterator[Fault]:
    """Images of another size than more than half of their split has; none where no size prevails."""
    sizes = Counter(check.size for check in checks if check.size)
    usual, count = sizes.most_common(1)[0] if sizes else (None, 0)
    if 2 * count > sizes.total():
        for check in checks:
            if check.size not in (None, usual):
                detail = f'{size_text(check.size)}, but {count} of {sizes.total()} are {size_text(usual)}'
                yield Fault('unexpected size', check.path, detail, check.name)


def find_duplicates(checks: Sequence[PairCheck]) -> Iterator[Fault]:
    """Images whose pixels a split holds already; the first one without another fault is the one to keep."""
    same = defaultdict(list)
    for check in sorted(checks, key=lambda check: (bool(check.faults), check.name)):
        if check.digest:
            same[check.digest].append(check)
    for kept, *others in same.values():
        for check in others:
            yield Fault('duplicate image', check.path, f'same pixels as {kept.path}', check.name)


def find_leaks(train: Sequence[PairCheck], val: Sequence[PairCheck]) -> Iterator[Fault]:
    """Training images whose pixels the official val split holds too."""
    held_out = {check.digest: check.path for check in val if check.digest}
    for check in train:
        if check.digest in held_out:
            other = held_out[check.digest]
            detail = 'this very file is in val, too' if other == check.path else f'same pixels as {other}'
            yield Fault('leakage', check.path, detail, check.name)


def find_stray_labels(dataset: KFoldDataset) -> Iterator[Fault]:
    """Label files of a split whose image does not exist."""
    images, labels = Path(dataset.data_prefix['img_path']), Path(dataset.data_prefix['seg_map_path'])
    image_suffixes = as_suffixes(dataset.img_suffix, 'img_suffix')
    known = files_by_name(list_files(str(images)), image_suffixes, str(images))
    suffixes = as_suffixes(dataset.seg_map_suffix, 'seg_map_suffix')
    for name, file in files_by_name(list_files(str(labels)), suffixes, str(labels)).items():
        if name not in known:
            yield Fault('label without image', str(labels / file), f'no {images / (name + image_suffixes[0])}')
