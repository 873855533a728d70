"""Tests on images that nobody has labelled: predicted and written, not scored."""

from pathlib import Path

from mmengine.config import Config
from mmengine.logging import print_log
from mmseg.registry import DATASETS

from mmseg_custom.config import ConfigError
from mmseg_custom.datasets.checks.bad_samples import LABEL_STEPS
from mmseg_custom.datasets.sample_files import is_elsewhere
from mmseg_custom.evaluation.testing_options import evaluators


def leave_out_labels(cfg: Config) -> None:
    """Where no image of the test set has a label, read none and score nothing; what only writes stays.

    Args:
        cfg: The config, changed in place.

    Raises:
        ConfigError: If nothing would be written either.
        FileNotFoundError: If some images have a label and others have none.
    """
    dataset = cfg.test_dataloader.dataset
    if 'pipeline' not in dataset or _are_labelled(dataset):
        return
    dataset.pipeline = _without_labels(dataset.pipeline)
    dataset.data_prefix = {key: place for key, place in dataset.data_prefix.items() if key != 'seg_map_path'}
    cfg.test_evaluator = [metric for metric in evaluators(cfg) if _only_writes(metric)]
    place = (dataset.get('data_prefix') or {}).get('img_path', dataset.get('data_root'))
    if not cfg.test_evaluator and not cfg.get('default_hooks', {}).get('visualization', {}).get('draw'):
        raise ConfigError(
            f'The test images in {place} have no labels, so there is nothing to score: write the predictions by '
            '`tools/test.py ... --submission DIR`, look at them by --show-dir DIR, or use tools/predict.py.'
        )
    print_log(f'The test images in {place} have no labels: predictions are written, nothing is scored.', 'current')


def _are_labelled(dataset: dict) -> bool:
    built = DATASETS.build({**dataset, 'pipeline': []})
    labels = [built.get_data_info(index).get('seg_map_path') for index in range(len(built))]
    there = [bool(label) and (is_elsewhere(label) or Path(label).is_file()) for label in labels]
    if any(there) and not all(there) and dataset.get('on_bad_sample', 'stop') == 'stop':
        raise FileNotFoundError(
            f'{there.count(False)} of {len(there)} test images have no label, the first one '
            f'{labels[there.index(False)]}: add them, or leave these images out (skip_list).'
        )
    return any(there)


def _without_labels(pipeline: list) -> list:
    """A pipeline without the steps that read labels, those of a ``TestTimeAug`` included."""
    kept = [dict(step) for step in pipeline if step['type'] not in LABEL_STEPS]
    for step in kept:
        if step['type'] == 'TestTimeAug':
            step['transforms'] = [group for group in step['transforms'] if group[0]['type'] not in LABEL_STEPS]
    return kept


def _only_writes(metric: dict) -> bool:
    return metric['type'] == 'SubmissionWriter' or bool(metric.get('format_only'))
