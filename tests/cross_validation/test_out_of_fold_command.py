import csv
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from mmseg.evaluation.metrics import IoUMetric
from mmseg.utils import register_all_modules
from untrained_run import FOLDER, NAMES, prepare, write, write_images, write_run

import mmseg_kfold
from mmseg_custom.cross_validation.fold_scores import add_up_folds
from mmseg_custom.datasets.fix_list import read_fix_list
from mmseg_custom.evaluation.kept_predictions import KeptPredictions
from mmseg_custom.io.checkpoints.checkpoint_file import load_weights
from mmseg_custom.io.files import read_json, write_json
from mmseg_custom.ledger.changes import change_of
from mmseg_custom.ledger.ledger_record import read_ledger_record, write_ledger_record
from mmseg_custom.ledger.stage_ledger import StageLedger
from mmseg_custom.out_of_fold import predict as predict_module
from mmseg_custom.plan.plan_state import PlanState
from mmseg_custom.reports import pictures

drawn = []
PREDICTIONS = FOLDER / 'out_of_fold' / 'stage1'


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    register_all_modules()
    monkeypatch.setattr(pictures, 'write_picture', lambda view, stem: drawn.append((view, stem)))  # Takes a second.
    drawn.clear()
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope='module')
def finished(tmp_path_factory):
    """A folder with a finished run."""
    register_all_modules()
    folder = tmp_path_factory.mktemp('finished')
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        write_images()
        write_run()
    return folder


@pytest.fixture
def ledger(finished, tmp_path):
    shutil.copytree(finished, tmp_path, dirs_exist_ok=True)
    return StageLedger(FOLDER / 'stage1')


def predict(*options):
    mmseg_kfold.main(['out-of-fold', str(FOLDER), *options])
    return read_json(PREDICTIONS / 'scores.json')


def refused(capsys, *options):
    with pytest.raises(SystemExit):
        mmseg_kfold.main([*options])
    return capsys.readouterr().err


def test_scores_are_those_of_the_run_and_of_the_saved_files(ledger, capsys):
    scores, run = predict(), add_up_folds(ledger)
    of_groups = add_up_folds(ledger, {f'data/images/{name}.png': name[:5] for name in NAMES})
    assert scores['pooled'] == run.pooled
    assert scores['over_images'] == {key: list(one) for key, one in run.intervals.items()}
    assert scores['over_groups'] == {key: list(one) for key, one in of_groups.intervals.items()}
    assert scores['per_group'].keys() == {'north', 'south'}
    areas = [
        IoUMetric.intersect_and_union(
            *(torch.from_numpy(cv2.imread(str(path), cv2.IMREAD_UNCHANGED)) for path in (predicted, given)), 3, 255
        )
        for predicted, given in ((PREDICTIONS / f'classes/{n}.png', f'data/labels/{n}.png') for n in NAMES)
    ]
    inside, union = (sum(one[at] for one in areas).double() for at in (0, 1))
    assert scores['pooled']['mIoU'] == pytest.approx(100 * (inside / union).mean().item(), abs=1e-9)
    assert f'{scores["pooled"]["mIoU"]:.2f} mIoU' in capsys.readouterr().out
    by_number = predict('--group-by', r'_(\d)$')
    assert by_number['pooled'] == scores['pooled'] and by_number['per_group'].keys() == {'0', '1', '2'}
    assert 'needs a block_size' in refused(capsys, 'out-of-fold', str(FOLDER), '--group-by', 'block')


def test_maps_are_what_the_network_says(ledger):
    predict('--probabilities', '48x64')
    kept = KeptPredictions(PREDICTIONS)
    record = kept.record('south_1')
    maps = kept.maps(record)
    with np.load(PREDICTIONS / 'probabilities/south_1.npz') as content:
        levels = content['probabilities']
    label = cv2.imread('data/labels/south_1.png', cv2.IMREAD_UNCHANGED)
    assert (maps.label == label).all() and (maps.classes == levels.argmax(0)).mean() > 0.9
    given = np.take_along_axis(levels, np.where(label == 255, 0, label)[None].astype(int), 0)[0]
    assert (maps.given == np.where(label == 255, 0, given)).all()
    assert (maps.best == levels.max(0)).all()
    assert record.probability_sums == pytest.approx([given[label == k].sum() / 255 for k in range(3)], rel=0.01)


def test_what_is_there_is_not_predicted_again_and_what_has_changed_is(ledger, capsys):
    predict()
    written = {name: (PREDICTIONS / f'records/{name}.json').stat().st_mtime_ns for name in NAMES}
    (PREDICTIONS / 'best/north_2.png').unlink()
    label = cv2.imread('data/labels/south_0.png', cv2.IMREAD_UNCHANGED)
    write('data/labels/south_0.png', np.where(label == 2, 1, label))
    capsys.readouterr()
    predict()
    printed = capsys.readouterr().out
    changed = {name for name in NAMES if (PREDICTIONS / f'records/{name}.json').stat().st_mtime_ns != written[name]}
    assert changed == {'north_2', 'south_0'}
    assert printed.count('predicts 1 images, 2 are there') == 2
    assert printed.count('labels have changed since the folds were trained') == 1
    score = read_json(PREDICTIONS / 'scores.json')['pooled']['aAcc']
    labels, classes = (
        np.stack([cv2.imread(f'{folder}/{name}.png', cv2.IMREAD_UNCHANGED) for name in NAMES])
        for folder in ('data/labels', PREDICTIONS / 'classes')
    )
    assert score == pytest.approx(100 * (labels == classes)[labels != 255].mean())


def test_a_corrected_label_leaves_the_folds_and_doubts_what_was_trained(ledger):
    def doubts():
        plan = prepare().plan
        return {change_of(PlanState(plan).config(run), ledger.entry(run.name)) for run in plan.stages[0].runs}

    folds = (FOLDER / 'folds.json').read_bytes()
    assert doubts() == {None}
    write('data/labels/south_0.png', np.zeros((48, 64), np.uint8))
    assert doubts() == {'is finished, but labels that it trains on have changed since; the folds stay as they are'}
    assert (FOLDER / 'folds.json').read_bytes() == folds


def test_folds_can_predict_one_after_another(ledger, capsys):
    mmseg_kfold.main(['out-of-fold', str(FOLDER), '--only', '2'])
    assert len(list((PREDICTIONS / 'records').glob('*.json'))) == 3
    assert not (PREDICTIONS / 'scores.json').exists() and 'without --only' in capsys.readouterr().out
    assert 'is missing: `mmseg-kfold out-of-fold`' in refused(capsys, 'label-errors', str(FOLDER))
    assert 'it has 1, 2' in refused(capsys, 'out-of-fold', str(FOLDER), '--only', '3')


def test_weights_that_may_have_seen_an_image_are_refused_or_marked(ledger, capsys):
    for name in ('fold1', 'fold2'):
        entry = read_ledger_record(ledger.record_path(name))
        write_ledger_record(
            {**entry, 'lineage': {'parents': [], 'seen': [{'split': 'unknown'}]}}, ledger.record_path(name)
        )
    assert '6 of 6 images may have been seen' in refused(capsys, 'out-of-fold', str(FOLDER))
    assert not PREDICTIONS.exists()
    assert predict('--allow-seen')['seen'] == 6
    assert f'{add_up_folds(ledger).pooled["mIoU"]:.2f}* mIoU' in capsys.readouterr().out


def test_one_channel_under_a_sigmoid(capsys):
    write_images(values=(0, 1))
    head = "num_classes=2, out_channels=1, threshold=0.4, loss_decode=dict(type='CrossEntropyLoss', use_sigmoid=True)"
    ledger = write_run(head, ('ground', 'box'))
    assert predict('--probabilities', '48x64')['pooled'] == add_up_folds(ledger).pooled
    maps = KeptPredictions(PREDICTIONS).maps(KeptPredictions(PREDICTIONS).record('north_0'))
    with np.load(PREDICTIONS / 'probabilities/north_0.npz') as content:
        levels = content['probabilities']
    assert (maps.classes[levels[1] > 103] == 1).all() and (maps.classes[levels[1] < 101] == 0).all()
    assert (maps.best == np.where(maps.classes == 1, levels[1], levels[0])).all()


def test_labels_whose_first_id_is_void():
    write_images(values=(0, 1, 2))
    ledger = write_run('num_classes=2', ('x', 'y'), reduced=True)
    assert predict()['pooled'] == add_up_folds(ledger).pooled
    label = cv2.imread('data/labels/north_0.png', cv2.IMREAD_UNCHANGED)
    maps = KeptPredictions(PREDICTIONS).maps(KeptPredictions(PREDICTIONS).record('north_0'))
    assert (maps.label[label == 1] == 0).all() and (maps.label[label == 0] == 255).all()


def test_what_cannot_be_predicted_is_told(ledger, capsys):
    assert 'is no folder of `mmseg-kfold run`' in refused(capsys, 'out-of-fold', 'work_dirs')
    assert 'has no stage 2' in refused(capsys, 'out-of-fold', str(FOLDER), '--stage', '2')
    folds = FOLDER / 'folds.json'
    folds.rename('kept.json')
    assert 'folds.json is not there' in refused(capsys, 'out-of-fold', str(FOLDER))
    Path('kept.json').rename(folds)
    write('data/labels/south_0.png', np.full((48, 64), 7, np.uint8))
    assert 'labels/south_0.png: Label 7' in refused(capsys, 'out-of-fold', str(FOLDER))
    entry = read_ledger_record(ledger.record_path('fold1'))
    write_ledger_record({**entry, 'weights': 'other'}, ledger.record_path('fold1'))
    assert 'fold1.pth has changed since it was recorded' in refused(capsys, 'out-of-fold', str(FOLDER))
    ledger.record_path('fold2').unlink()
    assert 'fold2 not finished' in refused(capsys, 'out-of-fold', str(FOLDER))


def test_another_run_is_compared_image_by_image(ledger, capsys):
    predict()
    shutil.copytree(FOLDER, 'other')
    predict('--compare', 'other')
    printed = capsys.readouterr().out
    assert '+0.00 to +0.00' in printed and 'gain on all labels' in printed
    compared = read_json(PREDICTIONS / 'compared.json')['all labels']
    assert compared['before'] == compared['after'] == read_json(PREDICTIONS / 'scores.json')['pooled']
    assert 'holds no predictions' in refused(capsys, 'out-of-fold', str(FOLDER), '--compare', 'data')


def test_in_sample_predictions_are_by_the_other_fold_and_never_mixed(ledger, capsys):
    alone = predict()
    both = predict('--in-sample')
    assert both == alone
    inside, outside = KeptPredictions(FOLDER / 'in_sample' / 'stage1'), KeptPredictions(PREDICTIONS)
    by = {name: (outside.record(name).predicted_by, inside.record(name)) for name in NAMES}
    assert all(record.seen and {one, record.predicted_by} == {'fold1', 'fold2'} for one, record in by.values())
    found = read_json(PREDICTIONS / 'in_sample.json')
    pixels = {
        kind: np.stack([cv2.imread(f'{folder}/{name}.png', cv2.IMREAD_UNCHANGED) for name in NAMES])
        for kind, folder in (
            ('label', 'data/labels'),
            ('in', inside.folder / 'classes'),
            ('out', outside.folder / 'classes'),
        )
    }
    counted = pixels['label'] != 255
    right = {kind: (pixels[kind] == pixels['label']) & counted for kind in ('in', 'out')}
    assert found['after']['aAcc'] == pytest.approx(100 * right['in'].sum() / counted.sum())
    assert found['before'] == alone['pooled']
    rows = {row['image']: row for row in csv.DictReader((PREDICTIONS / 'in_sample.csv').open())}
    gap = 100 * (right['in'][0].sum() - right['out'][0].sum()) / counted[0].sum()
    assert rows.keys() == set(NAMES) and float(rows[NAMES[0]]['aAcc_gap']) == pytest.approx(gap, abs=1e-3)
    gaps = [float(row['mIoU_gap']) for row in rows.values()]
    assert gaps == sorted(gaps, reverse=True)
    printed = capsys.readouterr().out
    assert 'What memory is worth, over 6 images' in printed and '*' not in printed


def test_the_temperature_is_found_and_put_into_weights(ledger, capsys):
    checkpoint = ledger.weights_path('fold1')
    calibrate = ['calibrate', str(FOLDER), str(checkpoint)]
    assert 'out-of-fold` finds the temperature first' in refused(capsys, *calibrate)
    predict()
    found = read_json(PREDICTIONS / 'calibration.json')
    printed = capsys.readouterr().out
    assert f'ECE {found["before"]["ece"]:.2f} %' in printed
    assert [stem for _, stem in drawn] == [PREDICTIONS / 'reliability']
    label = np.stack([cv2.imread(f'data/labels/{name}.png', cv2.IMREAD_UNCHANGED) for name in NAMES])
    assert sum(found['before']['pixels']) == np.count_nonzero(label != 255)
    mmseg_kfold.main(calibrate)
    out = FOLDER / 'calibrated' / 'fold1.pth'
    old, new = load_weights(checkpoint), load_weights(out)
    changed = {key for key in old if not torch.equal(old[key], new[key])}
    assert changed == {'decode_head.conv_seg.weight', 'decode_head.conv_seg.bias'}
    weight = 'decode_head.conv_seg.weight'
    assert torch.allclose(new[weight] * found['temperature'], old[weight])
    again = refused(capsys, 'calibrate', str(FOLDER), str(out), '--out', 'twice.pth')
    assert 'in its weights already' in again
    assert 'is the checkpoint itself' in refused(capsys, *calibrate, '--out', str(checkpoint))


def test_one_image_is_in_memory_at_a_time(ledger, monkeypatch):
    alive = []
    inner = predict_module.PixelProbabilities

    def counted(logits):
        alive.append(logits.shape)
        return inner(logits)

    monkeypatch.setattr(predict_module, 'PixelProbabilities', counted)
    predict()
    assert alive == [(3, 48, 64)] * 6


def check_fix_list(find, folder):
    """What was judged wrong is a fix list that the next training takes."""
    judged = next(csv.DictReader((folder / 'components.csv').open()))
    other = next(name for name in NAMES if name != judged['image'])
    write_json({'verdicts': {judged['key']: 'wrong', other: 'wrong', 'gone:0>1:0,0,1,1': 'wrong'}}, 'verdicts.json')
    mmseg_kfold.main([*find, '--verdicts', 'verdicts.json'])
    fixes = read_fix_list(folder / 'fix_list.json')
    assert fixes.leave_out == [other] and [region.key for region in fixes.void] == [judged['key']]
    left, top, width, height = (int(judged[side]) for side in ('left', 'top', 'width', 'height'))
    mask = fixes.void[0].mask((48, 64))
    rows, columns = np.nonzero(mask)
    assert mask.sum() == int(judged['pixels']) > 0
    assert (rows.min(), columns.min(), np.ptp(rows), np.ptp(columns)) == (top, left, height - 1, width - 1)
    train = prepare(fix_list=folder / 'fix_list.json').plan.stages[0]
    cfg = PlanState(prepare(fix_list=folder / 'fix_list.json').plan).config(train.runs[0])
    assert cfg.train_dataloader.dataset.fix_list == str(folder / 'fix_list.json')
    assert 'fix_list' not in cfg.val_dataloader.dataset
    prepare()


def test_label_errors_are_listed_and_what_was_judged_right_is_left_out(ledger, capsys):
    predict()
    find = ['label-errors', str(FOLDER), '--min-size', '1', '--boundary', '0', '--shown', '3']
    mmseg_kfold.main(find)
    folder = FOLDER / 'label_errors' / 'stage1'
    before = (folder / 'components.csv').read_text().splitlines()
    key = before[1].partition('False,,')[2].strip('"')
    coco = read_json(folder / 'components.coco.json')
    assert len(coco['annotations']) == len(before) - 1 > 10 and coco['annotations'][0]['attributes']['key'] == key
    write_json({'verdicts': {key: 'right'}}, 'verdicts.json')
    mmseg_kfold.main([*find, '--verdicts', 'verdicts.json'])
    after = (folder / 'components.csv').read_text().splitlines()
    assert len(after) == len(before) - 1 and key not in '\n'.join(after)
    check_fix_list(find, folder)
    write_json({'verdicts': {key: 'sure'}}, 'verdicts.json')
    assert 'a label is one of wrong, right, unsure' in refused(capsys, *find, '--verdicts', 'verdicts.json')
    write_json([], 'verdicts.json')
    assert 'holds no verdicts' in refused(capsys, *find, '--verdicts', 'verdicts.json')
    assert 'No such file' in refused(capsys, *find, '--verdicts', 'gone.json')
