"""Preparing a data set once: link it, check its pairs, write its folds and what its sampler counts on."""

from dataclasses import dataclass, field, replace
from pathlib import Path

from mmengine.config import Config
from mmengine.logging import print_log

from mmseg_custom.datasets.checks.data_checks import find_doubts
from mmseg_custom.datasets.checks.leftover_files import describe_leftovers
from mmseg_custom.datasets.class_statistics import class_counts, write_statistics
from mmseg_custom.datasets.class_weight_files import check_weight_files
from mmseg_custom.datasets.folds.fold_file import FoldError, FoldSplit, read_split, write_split
from mmseg_custom.datasets.folds.grouping import Groups
from mmseg_custom.datasets.folds.kfold_dataset import KFoldDataset, is_kfold
from mmseg_custom.datasets.folds.official_splits import official_splits
from mmseg_custom.datasets.folds.splitting import doubtful_groups
from mmseg_custom.datasets.sample_files import is_elsewhere


@dataclass(frozen=True)
class Preparation:
    """What :func:`prepare` found and wrote.

    Attributes:
        num_train: Pairs of image and label in the train split.
        num_val: Pairs in the official val split; 0 if the config does without.
        fold_file: Where the folds are.
        split: The folds.
        is_new: Whether the fold file was written now.
        groups: The images that stay together, by group; ``None`` without groups.
        notes: Sentences on what is no error, but makes one wonder.
    """

    num_train: int
    num_val: int
    fold_file: Path
    split: FoldSplit
    is_new: bool
    groups: Groups | None = None
    notes: list[str] = field(default_factory=list)


def check_is_kfold(cfg: Config) -> None:
    """See that a config's training data can be prepared.

    Raises:
        FoldError: If they are another data set, or wrapped.
    """
    dataset = cfg.get('train_dataloader', {}).get('dataset', {})
    if not is_kfold(dataset):
        raise FoldError(
            f'{cfg.filename}: train_dataloader.dataset is {dataset.get("type")}, and only a KFoldDataset can be '
            'prepared: give a config that has one, without RepeatDataset or ConcatDataset around it. Training needs '
            'nothing of it but the fold file.'
        )


def prepare(cfg: Config, renew: bool = False) -> Preparation:
    """Check that every image of both splits has a label, and write what is missing: folds, and a sampler's counts.

    With ``on_bad_sample='skip'`` a fold file that is there is good as it is. For images that are not on a local disk
    it has to be there.

    Args:
        cfg: A config whose data sets are :class:`KFoldDataset`.
        renew: Replace a fold file that no longer fits the data or the config.

    Raises:
        FileNotFoundError: If a folder, image or label is missing.
        FoldError: If the folds cannot be made, the file there does not fit and ``renew`` is not set, or all images of
            val are images of train.
        LabelError: If the labels hold one class and 255 alone; or classes are to be counted, and a label cannot be
            read or holds unknown ids.
    """
    check_weight_files(cfg)
    splits = official_splits(cfg)
    train, val = splits['train'], splits.get('val')
    elsewhere = is_elsewhere(train.data_prefix['img_path'])
    done = _prepare_folds(train, val, renew, elsewhere)
    if not elsewhere:
        groups, notes = train.groups(), find_doubts(cfg.train_dataloader.dataset, train, val)
        notes += [*describe_leftovers(list(splits.values())), *(doubtful_groups(groups) if groups else ())]
        done = replace(done, groups=groups, notes=notes)
    counts = cfg.train_dataloader.get('sampler', {}).get('counts')
    if counts and not Path(counts).is_file() and not elsewhere:
        print_log(f'{counts}: counting the pixels of {done.num_train} labels by class, once', 'current')
        write_statistics(class_counts(cfg, done.split, Path(counts)), 'median_frequency', Path(counts))
    return done


def _prepare_folds(train: KFoldDataset, val: KFoldDataset | None, renew: bool, elsewhere: bool) -> Preparation:
    file, num_val = Path(train.folds['file']), len(val) if val else 0
    is_new = renew or not file.is_file()
    if is_new and elsewhere:
        raise FoldError(
            f'{file} cannot be made from {train.data_root}, which is not on a local disk: make it with data_root=DIR '
            'where the images are on one, and bring it here.'
        )
    if (train.on_bad_sample == 'skip' or elsewhere) and not is_new:
        return Preparation(len(train), num_val, file, read_split(file), is_new)
    if val:
        val.fingerprint(val.load_data_list())
    split = train.make_split()
    if is_new:
        write_split(split, file)
    elif read_split(file) != split:
        raise FoldError(
            f'{file} does not fit the data under {train.data_root} or the folds of the config any more. Winners '
            'trained with it are not comparable to new ones; to make new folds anyway, add --renew.'
        )
    return Preparation(len(train), num_val, file, split, is_new)


def link_data_root(cfg: Config, data_root: Path) -> None:
    """Make the config's ``data_root`` a link to where the data set is.

    Raises:
        FileNotFoundError: If ``data_root`` does not exist.
        FileExistsError: If the config's own ``data_root`` is a real folder already.
    """
    link = Path(cfg.train_dataloader.dataset.data_root)
    if not data_root.is_dir():
        raise FileNotFoundError(f'--data-root {data_root} is no folder.')
    if link.is_symlink():
        link.unlink()
    elif link.exists():
        if link.resolve() == data_root.resolve():
            return
        raise FileExistsError(
            f'{link}, where the config looks for its data, is a folder already: leave out --data-root to use it, or '
            'move it away.'
        )
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to(data_root.resolve(), target_is_directory=True)
