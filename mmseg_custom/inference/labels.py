"""The classes that a prediction speaks of: names, colours and the ids of the label files."""

from collections.abc import Mapping
from typing import NamedTuple

from mmengine.config import Config

from mmseg_custom.config import ConfigError
from mmseg_custom.datasets.class_colours import MetainfoError, check_classes, check_palette, metainfo_of
from mmseg_custom.datasets.folds.leaves import first_leaf
from mmseg_custom.datasets.transforms.map_label_ids import first_raw_ids


class Labels(NamedTuple):
    """Classes by train id.

    Attributes:
        classes: Their names.
        palette: Their colours, (red, green, blue) of 0 to 255.
        file_ids: Their ids in the data set's label files, ``None`` if these are not known.
    """

    classes: tuple[str, ...]
    palette: tuple[tuple[int, int, int], ...]
    file_ids: tuple[int, ...] | None = None


def labels_of_config(cfg: Config) -> Labels:
    """The classes of a config's test or val data set; without a palette they have MMSegmentation's default colours.

    Raises:
        ConfigError: If it names no classes, or colours that do not fit.
    """
    loader = cfg.get('test_dataloader') or cfg.get('val_dataloader')
    if not loader:
        raise ConfigError(f'{cfg.filename} has no test_dataloader, whose data set names the classes.')
    metainfo = metainfo_of(first_leaf(loader.dataset))
    try:
        classes = check_classes(metainfo.get('classes'))
        palette = check_palette(classes, metainfo.get('palette'))
    except MetainfoError as error:
        raise ConfigError(f'{cfg.filename}: {error}') from error
    return Labels(classes, tuple(map(tuple, palette)), _file_ids(cfg, len(classes)))


def invert_table(table: Mapping[int, int], num_classes: int) -> tuple[int, ...] | None:
    """From train ids back to the ids of label files; of several the first one in the table.

    Returns:
        An id (0 to 255) for each class, or ``None`` if a class has none.
    """
    inverse = first_raw_ids(table)
    return tuple(inverse[k] for k in range(num_classes)) if set(range(num_classes)) <= inverse.keys() else None


def _file_ids(cfg: Config, num_classes: int) -> tuple[int, ...] | None:
    tables = [step.table for step in cfg.get('test_pipeline', ()) if step.type == 'MapLabelIds']
    return invert_table(tables[0], num_classes) if tables else None
