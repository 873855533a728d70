"""The folds as teachers of one model: each image by the fold that has never seen it."""

from collections.abc import Mapping
from typing import Any

from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmseg.registry import MODELS

from mmseg_custom.cross_validation.config_checks import name_of
from mmseg_custom.cross_validation.fold_config import FoldOptions
from mmseg_custom.cross_validation.predictors import choose_predictors, refuse_seen
from mmseg_custom.cross_validation.refit import Refit
from mmseg_custom.cross_validation.stored_run import read_stage
from mmseg_custom.hooks.distillation_hook import DistillationError, Teachers, check_head
from mmseg_custom.ledger.run_folder import DISTILLED

TEACHERS_FILE = 'teachers.json'
STAGE = 1  # Its folds start from no other; those of a later stage have seen every image through the stage before.


def distilled(options: FoldOptions) -> Refit:
    """The model that learns from the folds of the first stage; its teachers are written down.

    Args:
        options: Of a run whose folds are trained.

    Raises:
        SeenError: If an image has no fold that has not seen it.
    """
    folds = read_stage(options.folder, STAGE)
    parts = choose_predictors(folds)
    refuse_seen(parts, STAGE)
    number = {fold.name: position for position, fold in enumerate(folds)}
    images = {
        part.holder.samples[name]['img_path']: number[part.predictor.name] for part in parts for name in part.names
    }
    teachers = Teachers([str(fold.weights_file) for fold in folds], [fold.entry['weights'] for fold in folds], images)
    path = options.folder / DISTILLED / TEACHERS_FILE
    teachers.write(path)
    hook = {'type': 'DistillationHook', 'teachers': str(path), 'digests': teachers.digests}
    return Refit(DISTILLED, [hook])


def check_distillable(user: Config) -> None:
    """See that a network can learn from its folds.

    Raises:
        DistillationError: If its head has no single map of logits, or a sample is made of several images.
    """
    init_default_scope(user.get('default_scope') or 'mmseg')
    heads = user.model.get('decode_head')
    head = heads[-1] if isinstance(heads, list | tuple) else heads
    if not head:
        raise DistillationError(f'{name_of(user.model.get("type"))} has no decode_head: --distill needs one.')
    kind = MODELS.get(head['type']) if isinstance(head['type'], str) else head['type']
    check_head(kind)
    if _mixes(user.train_dataloader.dataset):
        raise DistillationError(
            'MultiImageMixDataset makes one sample of several images, which have several teachers: '
            '--distill needs a data set without it (--refit works with any).'
        )


def _mixes(dataset: Mapping[str, Any]) -> bool:
    if name_of(dataset.get('type')) == 'MultiImageMixDataset':
        return True
    inner = [dataset['dataset']] if isinstance(dataset.get('dataset'), Mapping) else dataset.get('datasets') or []
    return any(_mixes(one) for one in inner if isinstance(one, Mapping))
