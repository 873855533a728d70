"""The scores are those of cityscapesscripts, from the files that would be sent to the server."""

from pathlib import Path

import pytest

from mmseg_custom.evaluation import testing_options
from mmseg_custom.evaluation.testing import run_test


def official_scores(folder):
    official = pytest.importorskip('cityscapesscripts.evaluation.evalPixelLevelSemanticLabeling')
    args = official.args
    args.evalInstLevelScore, args.evalPixelAccuracy, args.JSONOutput, args.quiet = False, False, False, True
    args.predictionPath, args.predictionWalk = str(folder), None
    labels = sorted(map(str, Path('data/gtFine/val').glob('*/*_gtFine_labelIds.png')))
    assert len(labels) == 4
    predictions = [official.getPrediction(args, label) for label in labels]
    return official.evaluateImgLists(predictions, labels, args)


@pytest.mark.parametrize(
    'options',
    [
        {'rule': 'bilinear'},
        {'rule': 'nearest'},
        {'rule': 'bilinear', 'window': ((16, 24), (8, 16))},
        {'rule': 'nearest', 'tta': True},
    ],
    ids=lambda options: '-'.join(map(str, options)),
)
def test_scores_equal_those_of_the_benchmark_on_the_same_files(load, options):
    cfg = load(**options)
    testing_options.write_submission(cfg, 'sent')
    ours = run_test(cfg)
    theirs = official_scores('sent')
    compared = {name: 100 * theirs['classScores'][name] for name in cfg.metainfo.classes}
    assert sum(value > 0 for value in compared.values()) >= 3
    for name, value in compared.items():
        assert f'{ours[f"IoU.{name}"]:.10f}' == f'{value:.10f}', name
    assert f'{ours["mIoU"]:.10f}' == f'{100 * theirs["averageScoreClasses"]:.10f}'
