"""What a test does otherwise than its config says: size, augmentation, window, split, files."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal

from mmengine.config import Config

from mmseg_custom.config import ConfigError
from mmseg_custom.datasets.folds.leaves import first_leaf
from mmseg_custom.io.files import PathLike

SizeRule = Literal['bilinear', 'nearest']


def use_tta(cfg: Config, scales: Sequence[float] | None = None, flip: bool = True) -> None:
    """Test with the config's ``tta_pipeline`` and ``tta_model``, as MMSegmentation's ``--tta``.

    Args:
        cfg: The config, changed in place.
        scales: Factors on the size of ``test_pipeline``, in place of the resizes of ``tta_pipeline``.
        flip: Whether images are also tested flipped.

    Raises:
        ConfigError: If the config lacks what is needed.
    """
    missing = [key for key in ('tta_pipeline', 'tta_model') if key not in cfg]
    augmentation = None if missing else _find(cfg.tta_pipeline, 'TestTimeAug')
    if augmentation is None:
        raise ConfigError(f'{cfg.filename} has no {" and no ".join(missing) or "TestTimeAug in its tta_pipeline"}.')
    if scales:
        resizes = [_scaled_resize(cfg, scale) for scale in scales]
        groups = [resizes if group[0]['type'] == 'Resize' else group for group in augmentation['transforms']]
        augmentation['transforms'] = groups
    if not flip:
        groups = [group for group in augmentation['transforms'] if group[0]['type'] != 'RandomFlip']
        augmentation['transforms'] = groups
    cfg.test_dataloader.dataset.pipeline = cfg.tta_pipeline
    cfg.custom_hooks = [*cfg.get('custom_hooks', []), dict(type='PrepareTTAHook', tta_cfg=cfg.tta_model)]


def _scaled_resize(cfg: Config, factor: float) -> dict:
    resize = _find(cfg.get('test_pipeline', []), 'Resize')
    if resize is None or 'scale' not in resize:
        raise ConfigError(f'{cfg.filename}: test_pipeline has no Resize whose `scale` --tta-scales could multiply.')
    return {**resize, 'scale': tuple(round(factor * length) for length in resize['scale'])}


def use_sliding_window(cfg: Config, crop: tuple[int, int], stride: tuple[int, int]) -> None:
    """Run the network on overlapping crops and average their logits, by MMSegmentation's ``mode='slide'``.

    Args:
        cfg: The config, changed in place.
        crop: Height and width of a crop.
        stride: Step of the crops, down and to the right.

    Raises:
        ConfigError: If crops would leave gaps.
    """
    if any(not 0 < step <= length for step, length in zip(stride, crop, strict=True)):
        raise ConfigError(f'--slide: stride {stride} leaves gaps between crops of {crop}; give 1 to the crop.')
    cfg.model.test_cfg = dict(mode='slide', crop_size=crop, stride=stride)


def score_original_size(cfg: Config, rule: SizeRule) -> None:
    """Test against the label files at their own size; to be called behind :func:`use_tta`.

    Args:
        cfg: The config, changed in place.
        rule: ``'bilinear'`` brings the logits to that size, as in MMSegmentation; ``'nearest'`` the classes predicted
            at the working size, as the reference does.

    Raises:
        ConfigError: If the config lacks what is needed.
    """
    dataset = cfg.test_dataloader.dataset
    augmentation = _find(dataset.pipeline, 'TestTimeAug')
    if augmentation is not None:
        _score_augmented(augmentation, rule, cfg.filename)
    elif 'original_size_pipeline' not in cfg:
        raise ConfigError(f'{cfg.filename} has no original_size_pipeline: the label read behind the resizing.')
    else:
        *steps, pack = cfg.original_size_pipeline
        kept = [dict(type='UseWorkingSize', keep_label=True)] if rule == 'nearest' else []
        dataset.pipeline = [*steps, *kept, pack]
    if rule == 'nearest':
        _metric_config(cfg)['resize_prediction'] = True


def _score_augmented(augmentation: dict, rule: SizeRule, source: str | None) -> None:
    working = [group for group in augmentation['transforms'] if group[0]['type'] == 'UseWorkingSize']
    if rule == 'bilinear':
        augmentation['transforms'] = [group for group in augmentation['transforms'] if group not in working]
    elif working:
        working[0][0]['keep_label'] = True
    else:
        raise ConfigError(f'{source}: tta_pipeline has no UseWorkingSize, so there is no working size to predict at.')


def use_split(cfg: Config, split: str) -> None:
    """Test on another official split than val, with labels or without; what is kept of val does not count there.

    Raises:
        ConfigError: If neither the folders nor the list of the data set have ``{split}`` in them.
    """
    dataset = cfg.test_dataloader.dataset
    prefix, ann_file = dataset.get('data_prefix', {}), dataset.get('ann_file', '')
    if not any('{split}' in place for place in (ann_file, *prefix.values()) if place):
        raise ConfigError(f'--split {split}: data_prefix={dict(prefix)} has no {{split}} to put it in.')
    name = (dataset.get('splits') or {}).get(split, split)
    prefix.update({key: folder.replace('{split}', name) for key, folder in prefix.items() if folder})
    if ann_file:
        dataset.ann_file = ann_file.replace('{split}', name)
    for key in ('skip_list', 'packed'):
        dataset.pop(key, None)


def use_folders(cfg: Config, images: PathLike, labels: PathLike) -> None:
    """Test on folders of images and labels, read as the config reads its test or val images.

    Args:
        cfg: The config, changed in place; it may have no test split.
        images: The folder of images.
        labels: That of their labels, of the same names.

    Raises:
        ConfigError: If a folder is not there, or the config has no images that are scored.
    """
    gone = next((folder for folder in (images, labels) if not Path(folder).is_dir()), None)
    if gone is not None:
        raise ConfigError(f'--data: there is no folder {gone} (seen from {Path.cwd()}).')
    loader = cfg.get('test_dataloader') or cfg.get('val_dataloader')
    if not loader:
        raise ConfigError(f'{cfg.filename} has no test_dataloader or val_dataloader to say how images are read.')
    leaf = first_leaf(loader['dataset'])
    pipeline = loader['dataset'].get('pipeline') or leaf.get('pipeline', [])
    kept = {key: value for key, value in leaf.items() if key not in ('data_root', 'ann_file', 'indices', 'pipeline')}
    places = {'img_path': str(images), 'seg_map_path': str(labels)}
    dataset = {**kept, 'data_prefix': places, 'pipeline': pipeline, 'test_mode': True}
    cfg.test_dataloader = {**loader, 'dataset': dataset}
    cfg.test_evaluator = cfg.get('test_evaluator') or {'type': 'mmseg.SegmentationMetric'}
    cfg.test_cfg = cfg.get('test_cfg') or {'type': 'TestLoop'}


def require_images(cfg: Config) -> None:
    """See that there is something to test on.

    Raises:
        ConfigError: If the config has no ``test_dataloader``.
    """
    if not cfg.get('test_dataloader'):
        raise ConfigError(
            f'{cfg.filename} has no test_dataloader, so there is nothing to score on: name a config that has one, or '
            'give --data IMAGES LABELS.'
        )


def write_submission(cfg: Config, folder: PathLike) -> None:
    """Write the predictions as PNGs of the ids of the label files, see :class:`SubmissionWriter`.

    Which ids these are is what the test pipeline says, or, if it reads no labels, the training pipeline.

    Raises:
        ConfigError: If neither reads labels, or the test pipeline is empty.
    """
    loaders = [cfg.test_dataloader, cfg.get('train_dataloader') or {}] if cfg.test_dataloader.dataset.pipeline else []
    for dataset in (loader.get('dataset', {}) for loader in loaders):
        steps = dataset.get('pipeline', ())
        mapping = _find(steps, 'MapLabelIds')
        if mapping is not None or _find(steps, 'LoadAnnotations') is not None:
            shifted = {k + 1: k for k in range(255)} if dataset.get('reduce_zero_label') else None
            writer = dict(type='SubmissionWriter', folder=str(folder), table=mapping['table'] if mapping else shifted)
            cfg.test_evaluator = [*evaluators(cfg), writer]
            return
    raise ConfigError(
        f'{cfg.filename}: there is no MapLabelIds, whose table names the raw ids, and no LoadAnnotations.'
    )


def show_predictions(cfg: Config, show: bool, folder: PathLike | None, wait_time: float) -> None:
    """Paint predictions while testing, as MMSegmentation's ``--show`` and ``--show-dir``."""
    options = dict(type='FileSizeVisualizationHook', draw=True, interval=1, show=show, wait_time=wait_time)
    cfg.default_hooks.visualization.update(options)
    if folder:
        cfg.visualizer.save_dir = str(folder)


def require_metric(cfg: Config) -> None:
    """See that the test keeps a confusion matrix.

    Raises:
        ConfigError: If ``test_evaluator`` has no ``SegmentationMetric``.
    """
    _metric_config(cfg)


def pipeline_steps(pipeline: Sequence[dict]) -> Iterator[dict]:
    """All transforms of a pipeline, those of a ``TestTimeAug`` included."""
    for step in pipeline:
        yield step
        for group in step.get('transforms', ()) if step['type'] == 'TestTimeAug' else ():
            yield from group


def _find(pipeline: Sequence[dict], kind: str) -> dict | None:
    return next((step for step in pipeline_steps(pipeline) if step['type'] == kind), None)


def evaluators(cfg: Config) -> list[dict]:
    """The settings of all test metrics of a config; none if it has no ``test_evaluator``."""
    found = cfg.get('test_evaluator') or []
    return list(found) if isinstance(found, list | tuple) else [found]


def _metric_config(cfg: Config) -> dict:
    for evaluator in evaluators(cfg):
        if str(evaluator['type']).rpartition('.')[2] == 'SegmentationMetric':
            return evaluator
    raise ConfigError(f'{cfg.filename}: test_evaluator has no SegmentationMetric, which this option needs.')
