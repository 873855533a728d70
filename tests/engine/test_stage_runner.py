import json
from pathlib import Path

import pytest
import torch
from mmengine.hooks import Hook
from mmseg.registry import DATASETS, METRICS
from tiny_stage import load_run

from mmseg_custom.config import enable_amp, load_run_config
from mmseg_custom.datasets.prepare import prepare
from mmseg_custom.engine.stage_runner import build_runner
from mmseg_custom.errors import StageError
from mmseg_custom.fusion.weight_scorer import WeightScorer
from mmseg_custom.hooks.monitor import MonitorError, scores_of
from mmseg_custom.io.checkpoints.checkpoint_file import (
    CheckpointError,
    hash_weights,
    load_checkpoint_file,
    load_weights,
    save_checkpoint_file,
)
from mmseg_custom.io.lease import sole_process
from mmseg_custom.ledger.lineage import UNKNOWN, seen_images
from mmseg_custom.ledger.stage_ledger import StageLedger
from mmseg_custom.models.heads.head_checks import HeadError


class PowerCut(Hook):
    """Ends the process as a power cut would, behind everything that an epoch saves."""

    priority = 'LOWEST'

    def __init__(self, epoch):
        self.epoch = epoch

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        if runner.epoch == self.epoch and batch_idx == 1:
            raise KeyboardInterrupt


@pytest.fixture
def start(tiny_recipe):
    """A function that starts a run of the tiny recipe; stage 1 is there."""

    def start(name, work_dir=None, resume=False, cut_after=None, force=False, **options):
        cfg = load_run(tiny_recipe, name, work_dir, options)
        cfg.resume, cfg.force = resume, force
        prepare(cfg)
        runner = build_runner(cfg)
        if cut_after is not None:
            runner.register_hook(PowerCut(cut_after))
        runner.train()
        return runner

    return start


@pytest.fixture
def start_after_stage1(after_stage1, start):
    return start


def weights_of(folder, name='fold1'):
    return load_weights(StageLedger(folder).weights_path(name))


def assert_equal(first, second):
    assert first.keys() == second.keys()
    for key in first:
        assert torch.equal(first[key], second[key]), key


def test_a_stage_without_folds_makes_its_winner(start):
    runner = start('tiny_stage1')
    ledger = StageLedger('work_dirs/tiny/stage1')
    entry = ledger.entry('full')
    assert [record['epoch'] for record in entry['history']] == [1, 2]
    assert {'lr', 'train_loss', 'val_loss', 'mIoU', 'fwIoU', 'aAcc', 'mAcc'} <= set(entry['history'][0])
    assert entry['best']['mIoU'] == max(record['mIoU'] for record in entry['history'])
    assert entry['best']['seen'] is False
    assert (entry['lineage']['parents'], entry['lineage']['seen']) == ([], [{'split': 'train'}])
    assert len(seen_images(entry['lineage']).checksums) == 10
    assert ledger.outcome()['winner'] == 'full'
    assert [path.name for path in Path(runner.work_dir).glob('[ei]*.pth')] == ['epoch_2.pth']
    assert entry['val']['mIoU'] == pytest.approx(entry['best']['mIoU'])
    json.dumps(entry)


def test_checkpoints_of_a_run_load_safely_and_know_their_lineage(start):
    with pytest.raises(KeyboardInterrupt):
        start('tiny_stage1', cut_after=1)
    folder = Path('work_dirs/tiny_stage1')
    point = load_checkpoint_file(folder / 'epoch_1.pth')
    assert {'optimizer', 'param_schedulers', 'message_hub', 'state_dict', 'meta'} == set(point)
    best = load_checkpoint_file(folder / 'best_mIoU_epoch_1.pth')
    assert set(best) == {'state_dict', 'meta'}
    assert best['meta']['lineage']['seen'] == [{'split': 'train'}]
    assert len(best['meta']['dataset_meta']['classes']) == 19


@pytest.mark.parametrize('schedule', ['tiny_stage1', 'tiny_stage2_fold1'])
def test_interrupted_and_resumed_equals_uninterrupted(start_after_stage1, schedule):
    stage = {'default_hooks.fold_average.stage_dir': 'work_dirs/whole', 'train_cfg.max_epochs': 3}
    start_after_stage1(schedule, work_dir='work_dirs/a', **stage)
    stage['default_hooks.fold_average.stage_dir'] = 'work_dirs/cut'
    with pytest.raises(KeyboardInterrupt):
        start_after_stage1(schedule, work_dir='work_dirs/b', cut_after=1, **stage)
    runner = start_after_stage1(schedule, work_dir='work_dirs/b', resume=True, **stage)
    name = 'full' if schedule == 'tiny_stage1' else 'fold1'
    assert_equal(weights_of('work_dirs/whole', name), weights_of('work_dirs/cut', name))
    whole, cut = (StageLedger(f'work_dirs/{folder}').entry(name) for folder in ('whole', 'cut'))
    for key in ('lr', 'mIoU', 'val_loss', 'train_loss'):
        assert [record[key] for record in whole['history']] == [record[key] for record in cut['history']], key
    assert whole['lineage'] == cut['lineage']
    assert runner.epoch == 3


def test_a_damaged_resume_point_is_passed_over(start):
    with pytest.raises(KeyboardInterrupt):
        start('tiny_stage1', cut_after=2, **{'train_cfg.max_epochs': 3})
    newest = Path('work_dirs/tiny_stage1/epoch_2.pth')
    newest.write_bytes(newest.read_bytes()[:1000])
    start('tiny_stage1', resume=True, **{'train_cfg.max_epochs': 3})
    assert [record['epoch'] for record in StageLedger('work_dirs/tiny/stage1').entry('full')['history']] == [
        1,
        2,
        3,
    ]


def test_fresh_start_is_not_confused_by_an_earlier_run(start):
    options = {'train_cfg.max_epochs': 4}
    for cut_after in (3, 1):
        with pytest.raises(KeyboardInterrupt):
            start('tiny_stage1', cut_after=cut_after, **options)
    names = sorted(path.name for path in Path('work_dirs/tiny_stage1').glob('*epoch_?.pth'))
    assert names == ['best_mIoU_epoch_1.pth', 'earlier_epoch_2.pth', 'earlier_epoch_3.pth', 'epoch_1.pth']
    start('tiny_stage1', resume=True, **options)
    assert [record['epoch'] for record in StageLedger('work_dirs/tiny/stage1').entry('full')['history']] == [
        1,
        2,
        3,
        4,
    ]
    assert len(list(Path('work_dirs/tiny_stage1').glob('best_*.pth'))) == 1
    assert [path.name for path in Path('work_dirs/tiny_stage1').glob('[ei]*.pth')] == ['epoch_4.pth']


def record(name='full', stage='stage1'):
    return StageLedger(f'work_dirs/tiny/{stage}').entry(name)


def test_finished_run_is_not_repeated(start_after_stage1):
    before = Path('work_dirs/tiny/stage1/full.json').read_bytes()
    runner = start_after_stage1('tiny_stage1', resume=True)
    assert runner.epoch == 2 and runner.train_loop.stop_training
    assert Path('work_dirs/tiny/stage1/full.json').read_bytes() == before


def test_finished_run_with_another_config_is_named(start_after_stage1):
    with pytest.raises(StageError, match=r'tiny_stage1\.py has changed since.*start it with --force'):
        start_after_stage1('tiny_stage1', resume=True, **{'optim_wrapper.optimizer.lr': 0.5})


@pytest.mark.parametrize('work_dir', [None, 'work_dirs/elsewhere'])
def test_a_finished_run_is_replaced_on_request_alone(start_after_stage1, work_dir):
    start_after_stage1('tiny_stage2_fold1')
    before = Path('work_dirs/tiny/stage1/full.json').read_bytes()
    options = {'train_cfg.max_epochs': 1}
    refusal = (
        r'full of work_dirs/tiny/stage1 is finished \(stage2 stands on it\).*stage_dir=FOLDER.*--resume.*--force'
    )
    with pytest.raises(StageError, match=refusal):
        start_after_stage1('tiny_stage1', work_dir, **options)
    assert Path('work_dirs/tiny/stage1/full.json').read_bytes() == before
    assert not work_dir or not list(Path(work_dir).glob('*.pth'))
    start_after_stage1('tiny_stage1', work_dir, force=True, **options)
    assert len(record()['history']) == 1
    archive = next(Path('work_dirs/tiny/stage1').glob('archive_*'))
    assert (archive / 'full.json').read_bytes() == before
    assert {'full.pth', 'stage.json', 'winner.pth'} <= {path.name for path in archive.iterdir()}
    assert record('fold1', 'stage2')


def test_a_recipe_that_runs_loses_nothing_to_a_side_run(start_after_stage1):
    with sole_process(Path('work_dirs/tiny/recipe.lease'), ''):
        for options in ({'force': True}, {'resume': True, 'train_cfg.max_epochs': 3}):
            with pytest.raises(StageError, match='work_dirs/tiny is being run by process'):
                start_after_stage1('tiny_stage1', **options)
    assert len(record()['history']) == 2


def test_a_run_that_was_finished_by_another_meanwhile_replaces_nothing(start):
    class Other(Hook):
        def after_train_epoch(self, runner):
            if not StageLedger('work_dirs/tiny/stage1').finished_runs():
                start('tiny_stage1', 'work_dirs/other')

    cfg = load_run_config('recipe/tiny_stage1.py', cfg_options={'train_cfg.max_epochs': 1})
    prepare(cfg)
    runner = build_runner(cfg)
    runner.register_hook(Other())
    with pytest.raises(StageError, match=r'full of .*stage1 was finished by another run.*is in .*tiny_stage1'):
        runner.train()
    assert len(record()['history']) == 2
    assert list(Path('work_dirs/tiny_stage1').glob('best_*.pth'))


def test_a_finished_run_is_trained_longer(start_after_stage1, capfd):
    start_after_stage1('tiny_stage2_fold1')
    first = record()
    runner = start_after_stage1('tiny_stage1', resume=True, **{'train_cfg.max_epochs': 3})
    assert runner.epoch == 3
    entry = record()
    assert [one['epoch'] for one in entry['history']] == [1, 2, 3]
    assert entry['history'][:2] == first['history']
    assert entry['lineage'] == first['lineage']
    said = capfd.readouterr()
    told = ' '.join((said.out + said.err).split())
    assert 'is finished with 2 epochs and goes on to 3' in told
    assert 'goes on as it was built for 2 epochs' in told
    assert 'Stale from then on: stage2, which started from what is replaced' in told
    assert next(Path('work_dirs/tiny/stage1').glob('archive_*/full.json')).is_file()
    assert StageLedger('work_dirs/tiny/stage1').outcome()['runs'] == {'full': entry['weights']}


def test_fewer_epochs_than_trained_and_a_lost_state_are_named(start_after_stage1):
    with pytest.raises(StageError, match=r'asks for 1 epochs, fewer than the 2 that it has trained'):
        start_after_stage1('tiny_stage1', resume=True, **{'train_cfg.max_epochs': 1})
    Path('work_dirs/tiny_stage1/epoch_2.pth').unlink()
    with pytest.raises(StageError, match=r'asks for 3 epochs instead of 2, and work_dirs/tiny_stage1 has no state'):
        start_after_stage1('tiny_stage1', resume=True, **{'train_cfg.max_epochs': 3})


def test_a_half_trained_run_may_get_another_length(start):
    with pytest.raises(KeyboardInterrupt):
        start('tiny_stage1', cut_after=2, **{'train_cfg.max_epochs': 4})
    with pytest.raises(StageError, match=r'half trained, but .* asks for 1 epochs, fewer than the 2'):
        start('tiny_stage1', resume=True, **{'train_cfg.max_epochs': 1})
    start('tiny_stage1', resume=True, **{'train_cfg.max_epochs': 3})
    assert len(record()['history']) == 3


def test_fold_starts_from_the_winner_and_knows_what_it_saw(start_after_stage1):
    start_after_stage1('tiny_stage2_fold1')
    ledger = StageLedger('work_dirs/tiny/stage2')
    entry = ledger.entry('fold1')
    assert entry['best']['seen'] is True
    winner = StageLedger('work_dirs/tiny/stage1').outcome()
    assert entry['lineage']['parents'] == [{'file': 'work_dirs/tiny/stage1/winner.pth', 'weights': winner['weights']}]
    assert [images.get('parts') for images in entry['lineage']['seen']] == [None, [2, 3]]
    assert ledger.outcome() is None


@pytest.mark.parametrize(
    ('resume', 'kept', 'seen'),
    [(False, True, [{'split': 'train'}]), (True, False, [UNKNOWN, {'split': 'train'}])],
)
def test_the_resume_point_of_another_run_is_a_start(start, resume, kept, seen):
    options = {'train_cfg.max_epochs': 2}
    with pytest.raises(KeyboardInterrupt):
        start('tiny_stage1', work_dir='work_dirs/other', cut_after=1, **options)
    point = load_checkpoint_file('work_dirs/other/epoch_1.pth')
    if not kept:
        del point['meta']['lineage']
    save_checkpoint_file(point, 'other.pth')
    start('tiny_stage1', resume=resume, load_from='other.pth', **options)
    entry = StageLedger('work_dirs/tiny/stage1').entry('full')
    assert entry['lineage']['parents'] == [{'file': 'other.pth', 'weights': hash_weights(point['state_dict'])}]
    assert entry['lineage']['seen'] == seen
    assert entry['best']['seen'] is not kept
    assert [record['epoch'] for record in entry['history']] == [1, 2]


def test_a_resumed_file_that_says_nothing_has_an_unknown_past(start):
    with pytest.raises(KeyboardInterrupt):
        start('tiny_stage1', cut_after=1)
    for point in Path('work_dirs/tiny_stage1').glob('*.pth'):
        content = load_checkpoint_file(point)
        del content['meta']['lineage']
        save_checkpoint_file(content, point)
    start('tiny_stage1', resume=True)
    lineage = StageLedger('work_dirs/tiny/stage1').entry('full')['lineage']
    assert (lineage['parents'], lineage['seen']) == ([], [UNKNOWN, {'split': 'train'}])


@pytest.mark.parametrize(('validated', 'seen'), [('val', False), ('train', True)])
def test_the_images_of_any_data_set_are_compared_themselves(tiny_recipe, validated, seen):
    cfg = load_run_config(tiny_recipe / 'tiny_stage1.py', cfg_options={'train_cfg.max_epochs': 1})
    classes = DATASETS.build(cfg.test_dataloader.dataset).metainfo
    for loader, split in (('train', 'train'), ('val', validated), ('test', validated)):
        dataset = dict(type='BaseSegDataset', data_root='data', metainfo=classes)
        dataset.update(img_suffix='_leftImg8bit.png', seg_map_suffix='_gtFine_labelIds.png')
        dataset['data_prefix'] = dict(img_path=f'leftImg8bit/{split}', seg_map_path=f'gtFine/{split}')
        dataset['pipeline'] = cfg[f'{loader}_dataloader'].dataset.pipeline
        wrapped = dict(type='RepeatDataset', dataset=dataset, times=1) if loader == 'train' else dataset
        cfg[f'{loader}_dataloader'] = dict(batch_size=2, sampler=dict(type='DefaultSampler'), dataset=wrapped)
    build_runner(cfg).train()
    ledger = StageLedger('work_dirs/tiny/stage1')
    assert ledger.entry('full')['best']['seen'] is seen
    assert ledger.outcome()['candidates']['full']['seen'] is seen


def test_a_fold_of_another_experiment_is_refused_before_it_trains(start_after_stage1):
    start_after_stage1('tiny_stage2_fold1')
    with pytest.raises(StageError, match=r"stage2: fold2 differs from fold1 in sync_bn: 'torch' -> None.*--force"):
        start_after_stage1('tiny_stage2_fold2', sync_bn=None)
    assert not list(Path('work_dirs/tiny_stage2_fold2').glob('*.pth'))


@pytest.mark.parametrize(
    ('options', 'message'),
    [
        ({'history.monitor': 'mDice'}, "history.monitor='mDice' .*: use one of mIoU, fwIoU, aAcc, mAcc"),
        ({'history.monitor': 'val_loss'}, "history.monitor='val_loss' .*of which more is better"),
        (
            {'history.monitor': 'mAcc', 'checkpoint.monitor': 'mIoU'},
            "checkpoint.monitor='mIoU' contradicts .*='mAcc'",
        ),
        ({'fold_average.monitor': 'mAcc'}, "fold_average.monitor='mAcc' contradicts .*history.monitor='mIoU'"),
    ],
)
def test_a_monitor_that_cannot_choose_is_refused_before_training(start, options, message):
    with pytest.raises(MonitorError, match=message):
        start('tiny_stage1', **{f'default_hooks.{key}': value for key, value in options.items()})
    assert not list(Path('work_dirs').rglob('*.pth'))


def test_one_place_says_what_chooses(start):
    monitors = {f'default_hooks.{hook}.monitor': 'mAcc' for hook in ('history', 'checkpoint')}
    start('tiny_stage1', **monitors)
    entry = record()
    assert entry['best']['mAcc'] == max(one['mAcc'] for one in entry['history'])
    assert [path.name[:10] for path in Path('work_dirs/tiny_stage1').glob('best_*')] == ['best_mAcc_']


def test_the_scores_of_mmsegmentations_metric_are_known():
    def scores(**options):
        return scores_of(METRICS.build(dict(type='IoUMetric', **options)))

    assert scores() == ['aAcc', 'mIoU', 'mAcc']
    assert scores(iou_metrics=['mFscore'], prefix='a') == ['a/aAcc', 'a/mFscore', 'a/mPrecision', 'a/mRecall']


def test_stage_before_is_missing(start):
    with pytest.raises(StageError, match=r'python tools/train\.py .*tiny_stage1\.py'):
        start('tiny_stage2_fold1')


def test_early_stopping_ends_training(start):
    options = {
        'train_cfg.max_epochs': 9,
        'default_hooks.history.patience': 1,
        'optim_wrapper.optimizer.lr': 1e-9,
    }
    start('tiny_stage1', **options)
    assert len(StageLedger('work_dirs/tiny/stage1').entry('full')['history']) < 9


def test_scoring_equals_stock_test_loop(start_after_stage1, tiny_recipe):
    winner = 'work_dirs/tiny/stage1/winner.pth'
    cfg = load_run_config(tiny_recipe / 'tiny_stage1.py')
    cfg.load_from = winner
    runner = build_runner(cfg)
    tested = runner.test()
    scored = WeightScorer(cfg)(load_weights(winner))
    assert scored == pytest.approx({key: tested[key] for key in scored}, nan_ok=True)
    recorded = StageLedger('work_dirs/tiny/stage1').entry('full')['val']
    assert recorded == pytest.approx(scored, nan_ok=True)


def test_other_architecture_is_refused_before_training(start_after_stage1):
    with pytest.raises(CheckpointError, match='not of the architecture'):
        start_after_stage1('tiny_stage2_fold1', **{'model.decode_head.channels': 6})
    save_checkpoint_file({'state_dict': {'x': torch.zeros(1)}}, 'other.pth')
    with pytest.raises(CheckpointError, match=r"1 unknown \['x'\]"):
        start_after_stage1('tiny_stage2_fold1', load_from='other.pth')


def test_amp_trains_on_the_cpu(start, tiny_recipe):
    cfg = load_run_config(tiny_recipe / 'tiny_stage1.py')
    enable_amp(cfg)
    runner = build_runner(cfg)
    seen = []
    runner.model.decode_head.conv_seg.register_forward_hook(lambda *arguments: seen.append(arguments[2].dtype))
    runner.train()
    assert torch.bfloat16 in seen
    assert all(value.dtype != torch.bfloat16 for value in runner.model.state_dict().values())


def test_runs_of_one_second_share_nothing(start, monkeypatch):
    monkeypatch.setattr('mmengine.runner.runner.time.strftime', lambda *args: '20261123_120000')
    first = start('tiny_stage1', 'work_dirs/first')
    second = start('tiny_stage1', 'work_dirs/second', force=True)
    histories = [runner.message_hub.get_info('history') for runner in (first, second)]
    assert [len(history) for history in histories] == [first.max_epochs] * 2
    assert first.experiment_name != second.experiment_name


def test_heads_that_cannot_train_are_refused_before_the_first_step(start):
    with pytest.raises(HeadError, match=r'model\.decode_head\.out_channels=1: LabelSmoothCrossEntropyLoss'):
        start('tiny_stage1', **{'model.decode_head.num_classes': 2, 'model.decode_head.out_channels': 1})
    with pytest.raises(HeadError, match='has 2 entries, but the head has 19 classes'):
        start('tiny_stage1', **{'model.decode_head.loss_decode.class_weight': [1.0, 2.0]})
    Path('weights.json').write_text('{"weights": [1.0, 2.0, 3.0]}')
    with pytest.raises(HeadError, match='has 3 entries, but the head has 19 classes'):
        start('tiny_stage1', **{'model.decode_head.loss_decode.class_weight': 'weights.json'})
    assert not list(Path('work_dirs').rglob('*.pth'))
