"""A loop over iterations goes on with the batch that comes next, and counts its validations by iteration."""

from itertools import chain, islice
from pathlib import Path

import interrupted_runs
import pytest
import torch
from interrupted_runs import assert_same, make_config, state, train
from mmengine.config import ConfigDict
from mmengine.dataset import InfiniteSampler
from mmengine.registry import DefaultScope
from mmengine.runner import EpochBasedTrainLoop, IterBasedTrainLoop
from mmengine.runner.loops import _InfiniteDataloaderIterator
from mmseg.registry import MODELS
from torch.utils.data import DataLoader

from mmseg_custom.datasets import ClassBalancedSampler, SeededInfiniteSampler, SeededSampler
from mmseg_custom.engine import LoopError, ResumableIterTrainLoop, ResumableTrainLoop, ResumeError
from mmseg_custom.engine.iter_train_loop import resumable
from mmseg_custom.engine.resume_points import newest_good_point, resume_points
from mmseg_custom.engine.stage_runner import StageRunner
from mmseg_custom.fusion.average_files import average_files
from mmseg_custom.inference.networks import build_segmentor
from mmseg_custom.io.files import write_json

IMAGES, BATCH = 10, 4  # Batches of 4, 4 and 2: an epoch is no multiple of a batch.


class Images(list):
    """As much of a data set as samplers ask for."""

    ignore_index = 255

    def get_data_info(self, index):
        return self[index]

    def name_of(self, sample):
        return str(sample)


def class_balanced(images, **kwargs):
    write_json({'image_pixels': {str(image): [1 + image] for image in images}}, 'counts.json')
    return ClassBalancedSampler(images, counts='counts.json', **kwargs)


def make_loader(make_sampler, workers):
    images = Images(range(IMAGES))
    return DataLoader(images, BATCH, sampler=make_sampler(images, seed=1), num_workers=workers, collate_fn=list)


def batches(make_sampler, workers, done, number):
    """The next batches of a loop that has trained on `done` of them."""
    loop = ResumableIterTrainLoop.__new__(ResumableIterTrainLoop)
    loop.dataloader, loop._iter = make_loader(make_sampler, workers), done
    loop.dataloader_iterator = _InfiniteDataloaderIterator(loop.dataloader)
    return list(islice(loop._batches(), number))


def test_an_endless_sampler_gives_full_batches_in_mmengines_order_and_goes_on_where_it_was():
    indices = list(islice(InfiniteSampler(range(IMAGES), seed=1), 36))
    whole = batches(SeededInfiniteSampler, 0, 0, 9)
    assert [image for batch in whole for image in batch] == indices
    keys = list(islice(SeededInfiniteSampler(range(IMAGES), seed=1), 36))
    assert [int(key) for key in keys] == indices
    assert [key.epoch for key in keys] == [0] * 10 + [1] * 10 + [2] * 10 + [3] * 6
    for done in (1, 4, 8):
        for workers in (0, 2):
            assert batches(SeededInfiniteSampler, workers, done, 9 - done) == whole[done:]


@pytest.mark.parametrize('make_sampler', [SeededSampler, class_balanced])
def test_the_batches_are_those_of_one_epoch_after_the_other(tmp_path, monkeypatch, make_sampler):
    monkeypatch.chdir(tmp_path)
    loader, expected = make_loader(make_sampler, 0), []
    for epoch in range(3):
        loader.sampler.set_epoch(epoch)
        keys = [key.index for key in loader.sampler]
        expected += [keys[:4], keys[4:8], keys[8:]]
    assert len(set(map(tuple, expected))) == 9
    assert batches(make_sampler, 0, 0, 9) == expected
    for done in (1, 3, 5, 6, 8):
        assert batches(make_sampler, 0, done, 9 - done) == expected[done:], done
    assert batches(make_sampler, 2, 0, 9) == expected
    assert batches(make_sampler, 2, 5, 4) == expected[5:]


@pytest.mark.parametrize('workers', [0, 2])
def test_other_samplers_are_advanced_as_by_mmengine(workers):
    whole = batches(InfiniteSampler, workers, 0, 9)
    assert batches(InfiniteSampler, workers, 6, 3) == whole[6:]
    assert sorted(chain(*whole))[:3] == [0, 0, 0]


def test_mmengines_own_loop_finds_the_right_batches_too():
    """It knows the length of an epoch in samples alone: a sampler without `skip` it advances batch by batch."""
    whole = batches(SeededSampler, 0, 0, 9)
    iterator = _InfiniteDataloaderIterator(make_loader(SeededSampler, 0))
    assert [next(iterator) for _ in range(3)] == whole[:3]
    assert not hasattr(SeededSampler, 'skip')


@pytest.mark.parametrize(
    ('loop', 'expected'),
    [
        ({'by_epoch': True, 'max_epochs': 1}, 'mmseg.ResumableTrainLoop'),
        ({'type': 'EpochBasedTrainLoop', 'max_epochs': 1}, 'mmseg.ResumableTrainLoop'),
        ({'type': EpochBasedTrainLoop, 'max_epochs': 1}, 'mmseg.ResumableTrainLoop'),
        ({'by_epoch': False, 'max_iters': 1}, 'mmseg.ResumableIterTrainLoop'),
        ({'type': 'mmengine.IterBasedTrainLoop', 'max_iters': 1}, 'mmseg.ResumableIterTrainLoop'),
        ({'type': IterBasedTrainLoop, 'max_iters': 1}, 'mmseg.ResumableIterTrainLoop'),
        ({'type': 'OwnLoop', 'max_iters': 1}, 'OwnLoop'),
    ],
)
def test_only_mmengines_own_loops_are_replaced(loop, expected):
    found = resumable(loop)
    assert found.pop('type') == expected
    assert found == {key: value for key, value in loop.items() if key.startswith('max')}


def test_a_type_beside_by_epoch_is_refused():
    with pytest.raises(LoopError, match=r"Only one of `type` or `by_epoch`.*'OwnLoop' and by_epoch=True.*_delete_"):
        resumable({'type': 'OwnLoop', 'by_epoch': True})


def iteration_config(workers=0, stock=False, **options):
    """Nine steps in three epochs, validated behind the fourth, eighth and ninth."""
    cfg = make_config('poly', workers, **options)
    cfg.train_cfg = {'type': 'IterBasedTrainLoop', 'max_iters': 9, 'val_interval': 4}
    cfg.param_scheduler = {'type': 'PolyLR', 'by_epoch': False, 'begin': 0, 'end': 9, 'eta_min': 1e-5}
    cfg.log_processor = {'by_epoch': False}
    if stock:
        cfg.default_hooks.checkpoint = {'type': 'CheckpointHook', 'by_epoch': False, 'interval': 2}
        del cfg.default_hooks['preemption']
    return cfg


WHOLE = {}


def uninterrupted():
    if not WHOLE:
        runner, _ = train(iteration_config(work_dir='work_dirs/whole'))
        WHOLE.update(state(runner), names=sorted(path.name for path in Path(runner.work_dir).glob('*.pth')))
    return {key: value for key, value in WHOLE.items() if key != 'names'}


def test_validations_are_counted_by_iteration(place):
    whole = uninterrupted()
    assert whole['counters'] == (0, 9, 9)
    assert [(record['iter'], record['epoch']) for record in whole['history']] == [(4, 1.33), (8, 2.67), (9, 3.0)]
    assert len({record['lr'] for record in whole['history']}) == 3
    best = max(whole['history'], key=lambda record: record['mIoU'])['iter']
    assert WHOLE['names'] == sorted([f'best_mIoU_iter_{best}.pth', 'iter_8.pth', 'iter_9.pth'])


@pytest.mark.parametrize('workers', [0, 2])
def test_cut_anywhere_equals_the_uninterrupted_run(place, workers):
    whole = uninterrupted()
    cfg = iteration_config(workers, **{'default_hooks.checkpoint.interval_iters': 1})
    cuts = [
        ('after_train_iter', 2),
        ('after_train_iter', 4),
        ('after_val_iter', 4),
        ('after_val_epoch', 4),
        ('after_train_iter', 6),
    ]
    for position, cut in enumerate([*cuts, ('before_val_epoch', 8)] if workers == 0 else cuts[-1:]):
        assert train(cfg, cut, resume=position > 0)[1], cut
    assert_same(state(train(cfg, resume=True)[0]), whole)


def test_patience_counts_validations(place):
    options = {'default_hooks.history.patience': 1, 'optim_wrapper.optimizer.lr': 1e-12}
    options |= {f'model.{part}.norm_cfg.momentum': 0.0 for part in ('backbone', 'decode_head')}
    runner, _ = train(iteration_config(**options))
    assert [record['iter'] for record in state(runner)['history']] == [4, 8]  # The second is no better.


@pytest.mark.parametrize('workers', [0, 2])
def test_the_files_of_mmengines_hook_are_gone_on_from(place, workers):
    """Its points hold log buffers; the history and the score of the validation at step 4 are in them."""
    cfg = iteration_config(workers, stock=True)
    assert train(cfg, ('after_train_iter', 7))[1]
    assert [path.name for path in resume_points(cfg.work_dir, 3)] == ['iter_6.pth', 'iter_4.pth', 'iter_2.pth']
    assert newest_good_point(cfg.work_dir, 3).endswith('iter_6.pth')
    found, whole = state(train(cfg, resume=True)[0]), uninterrupted()
    assert [record['iter'] for record in found['history']] == [4, 8, 9]
    found.pop('history'), whole.pop('history')  # Mean losses of an interval lack what the dropped log had.
    assert_same(found, whole)


def test_its_files_are_read_by_the_tools(place):
    """As MMEngine wrote them, and as a wrapped model's are: averaged, predicted with, started from."""
    cfg = iteration_config(stock=True)
    trained, _ = train(cfg, ('after_train_iter', 2))
    file, wrapped = Path(cfg.work_dir, 'iter_2.pth'), Path('wrapped.pth')
    weights = dict(trained.model.state_dict())
    torch.save({'model': {f'module._orig_mod.{key}': value for key, value in weights.items()}}, wrapped)
    average_files([file, wrapped], 'average.pth')
    for path in (file, wrapped, 'average.pth'):
        assert_same(dict(build_segmentor(cfg, path).state_dict()), weights)
    start = {'type': 'SafePretrained', 'checkpoint': str(file), 'prefix': 'backbone'}
    backbone = MODELS.build({**cfg.model.backbone, 'init_cfg': start})
    backbone.init_weights()
    assert torch.equal(backbone.conv1.weight, trained.model.backbone.conv1.weight)
    cfg.load_from = str(wrapped)
    runner = interrupted_runs.build(cfg)
    runner.load_or_resume()
    assert_same(dict(runner.model.state_dict()), weights)


def test_files_that_cannot_be_used_end_the_run_before_it_writes(place):
    cfg = iteration_config(stock=True)
    assert train(cfg, ('after_train_iter', 4))[1]
    points = resume_points(cfg.work_dir, 3)
    for path in points:
        path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(
        ResumeError, match=r'None of the files .*iter_4\.pth, .*iter_2\.pth\).*is damaged.*move them away'
    ):
        train(cfg, resume=True)
    assert [path.stat().st_size for path in points] == [1000, 1000]


def test_a_noted_file_elsewhere_is_found_and_the_newest_wins(place):
    cfg = iteration_config(stock=True)
    cfg.default_hooks.checkpoint.update(out_dir='elsewhere', filename_tmpl='step_{}.pth')
    assert train(cfg, ('after_train_iter', 6))[1]
    assert resume_points(cfg.work_dir, 3) == []
    noted = newest_good_point(cfg.work_dir, 3)
    assert noted.startswith('elsewhere/') and noted.endswith('step_6.pth')
    older = Path(noted).with_name('step_4.pth').read_bytes()
    Path(cfg.work_dir, 'iter_4.pth').write_bytes(older)
    assert newest_good_point(cfg.work_dir, 3) == noted
    Path(noted).unlink()
    assert newest_good_point(cfg.work_dir, 3).endswith('iter_4.pth')


def test_epochs_of_mmengines_hook_are_gone_on_from(place):
    whole = state(train(make_config('cosine', work_dir='work_dirs/whole'))[0])
    cfg = make_config('cosine')
    cfg.default_hooks.checkpoint = {'type': 'CheckpointHook', 'interval': 1, 'max_keep_ckpts': 1}
    del cfg.default_hooks['preemption']
    assert train(cfg, ('after_train_iter', 8))[1]
    found = state(train(cfg, resume=True)[0])
    for part in (found, whole):
        part.pop('history')
    assert_same(found, whole)


@pytest.mark.parametrize('kind', ['RepeatDataset', 'ConcatDataset'])
def test_wrapped_data_sets_train_and_resume_exactly(place, monkeypatch, kind):
    cfg = make_config('cosine', **{'train_cfg.max_epochs': 2})
    interrupted_runs.prepare(cfg)
    monkeypatch.setattr(interrupted_runs, 'prepare', lambda cfg: None)
    own = cfg.train_dataloader.dataset
    wrapped = {'times': 2, 'dataset': own} if kind == 'RepeatDataset' else {'datasets': [own, own]}
    cfg.train_dataloader.dataset = {'type': kind, **wrapped}
    cfg.default_hooks.checkpoint.interval_iters = 1
    cfg.work_dir = 'work_dirs/whole'
    whole = state(train(cfg)[0])
    assert whole['counters'] == (2, 10, 10)  # 20 samples in batches of 4
    cfg.work_dir = 'work_dirs/cut'
    assert train(cfg, ('after_train_iter', 7))[1]
    runner, _ = train(cfg, resume=True)
    assert_same(state(runner), whole)
    dataset, size = runner.train_dataloader.dataset, 10
    keys = {key.index: key for key in runner.train_dataloader.sampler}
    first, again = (dataset[keys[index]]['inputs'] for index in (3, 3 + size))
    assert not first.equal(again)  # the same image, augmented in two ways


def test_loops_are_mmengines():
    assert issubclass(ResumableTrainLoop, EpochBasedTrainLoop)
    assert issubclass(ResumableIterTrainLoop, IterBasedTrainLoop)


def test_a_config_dict_without_a_default_scope_trains(place):
    """As MMEngine's runner does; every name in the config has its scope, as names of other projects have."""
    cfg = make_config('cosine', **{'train_cfg.max_epochs': 1})
    interrupted_runs.prepare(cfg)
    plain = scoped(cfg.to_dict())
    plain['default_scope'] = None
    DefaultScope._instance_dict.clear()
    runner = StageRunner.from_cfg(ConfigDict(plain))
    assert type(runner.train()).__name__ == 'EncoderDecoder'
    assert type(runner.train_loop) is ResumableTrainLoop and runner.iter == 3


def scoped(value):
    """A config whose types are those of MMSegmentation's registries by name."""
    if isinstance(value, dict):
        return {
            key: f'mmseg.{entry}' if key == 'type' and isinstance(entry, str) else scoped(entry)
            for key, entry in value.items()
        }
    return [scoped(entry) for entry in value] if isinstance(value, list) else value
