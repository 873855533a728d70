"""A training is tried before it begins: what works, what does not, and what is said of it."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmseg.registry import MODELS

from mmseg_custom.cross_validation.fold_config import FoldOptions
from mmseg_custom.cross_validation.run import prepare_run, recipe_of
from mmseg_custom.datasets.folds.any_folds import Folds
from mmseg_custom.errors import StageError, UserError
from mmseg_custom.fusion.weight_scorer import ScoringOrder, WeightScorer
from mmseg_custom.io.files import write_json
from mmseg_custom.launchers.pool import JobError, Pool
from mmseg_custom.ledger.stage_ledger import StageLedger
from mmseg_custom.models.backbones import DilatedResNet
from mmseg_custom.preflight import before_training, trial_job
from mmseg_custom.preflight import try_training as preflight
from mmseg_custom.preflight.trial_error import TrialError
from mmseg_custom.preflight.try_training import Measured, try_training

LOAD = [dict(type='LoadImageFromFile'), dict(type='LoadAnnotations')]
PACK = [dict(type='PackSegInputs')]
IMAGES = 6


def user_config():
    """Of a network of a few weights, an iteration loop, and nothing but training images."""
    Path('my_config.py').touch()
    norm = dict(type='BN')
    head = dict(type='FCNHead', in_channels=16, in_index=3, channels=4, num_convs=1, num_classes=2, norm_cfg=norm)
    data = dict(img_path='images', seg_map_path='labels')
    meta = dict(classes=('ground', 'box'), palette=[[0, 0, 0], [255, 0, 0]])
    return Config(
        dict(
            model=dict(
                type='EncoderDecoder',
                data_preprocessor=dict(type='SegDataPreProcessor', size=(32, 48), pad_val=0, seg_pad_val=255),
                backbone=dict(type='DilatedResNet', depth=10, base_channels=2),
                decode_head=dict(**head, concat_input=False, loss_decode=dict(type='CrossEntropyLoss')),
                test_cfg=dict(mode='whole'),
            ),
            train_dataloader=dict(
                batch_size=2,
                num_workers=2,
                persistent_workers=True,
                sampler=dict(type='InfiniteSampler', shuffle=True),
                dataset=dict(
                    type='BaseSegDataset', data_root='data', data_prefix=data, metainfo=meta, pipeline=LOAD + PACK
                ),
            ),
            test_pipeline=LOAD + PACK,
            optim_wrapper=dict(type='OptimWrapper', optimizer=dict(type='SGD', lr=0.01)),
            param_scheduler=[dict(type='PolyLR', begin=0, end=1000, by_epoch=False)],
            train_cfg=dict(type='IterBasedTrainLoop', max_iters=1000, val_interval=100),
            default_hooks=dict(logger=dict(type='LoggerHook', interval=50)),
        ),
        filename='my_config.py',
    )


@pytest.fixture
def data(tmp_path, monkeypatch):
    """A folder to work in, with images and labels of two classes."""
    monkeypatch.chdir(tmp_path)
    random = np.random.default_rng(0)
    for number in range(IMAGES):
        for folder, suffix, image in [
            ('images', 'jpg', random.integers(0, 255, (32, 48, 3), np.uint8)),
            ('labels', 'png', random.integers(0, 2, (32, 48), np.uint8)),
        ]:
            path = tmp_path / 'data' / folder / f'frame{number}.{suffix}'
            path.parent.mkdir(parents=True, exist_ok=True)
            cv2.imwrite(str(path), image)
    return tmp_path


def prepared(changes=None, **options):
    cfg = user_config()
    cfg.merge_from_dict(changes or {})
    folder = Path('work_dirs/x')
    holdout = 0.34 if options.get('scored_on') else None
    given = FoldOptions(folder, 2, folder / 'folds.json', **options)
    return prepare_run(cfg, given, Folds(given.fold_file, 2, holdout=holdout), False, False, print)


def recipe(changes=None, **options):
    return recipe_of(prepared(changes, **options), MadeUpPool({}), print)


class MadeUpPool(Pool):
    """Ends each job at once: with this outcome, or as failed."""

    def __init__(self, outcome, reason=''):
        super().__init__(1)
        self.outcome, self.reason = outcome, reason

    def execute(self, jobs, on_progress):
        raise NotImplementedError

    def run(self, jobs, on_progress):
        if self.outcome:
            write_json(self.outcome, jobs[0].args[2])
        return {jobs[0].name: JobError(self.reason)} if self.reason else {}


def first_config(changes=None, **options):
    plan = recipe(changes, **options)
    return plan.state.config(plan.plan.stages[0].runs[0])


def files():
    return {path for path in Path('work_dirs').rglob('*') if path.is_file()}


def test_a_training_that_works_is_measured_and_leaves_nothing_behind(data, tmp_path):
    cfg = first_config()
    before, text = files(), cfg.pretty_text
    measured = try_training(cfg, tmp_path / 'trial')
    assert files() == before
    assert cfg.pretty_text == text
    assert (measured.steps, measured.batch_size, measured.size) == (preflight.STEPS, 2, (32, 48))
    assert measured.train_seconds > 0 and measured.val_seconds > 0 and measured.memory > 2**26
    assert measured.repeats == 1


def test_the_size_is_that_which_the_network_gets(data, tmp_path):
    padded = {'model.data_preprocessor.size': (64, 64), 'model.data_preprocessor.test_cfg': dict(size_divisor=40)}
    assert try_training(first_config(padded), tmp_path / 'trial').size == (64, 64)
    impossible = {**padded, 'model.backbone.type': 'NeedsMultiplesOf64'}

    @MODELS.register_module(name='NeedsMultiplesOf64', force=True)
    class NeedsMultiplesOf64(DilatedResNet):
        def forward(self, images):
            if not self.training:
                raise ValueError('no multiple of 64')
            return super().forward(images)

    with pytest.raises(UserError, match=r'Validation of held-out images of 40 x 80 \(height x width\) fails'):
        try_training(first_config(impossible), tmp_path / 'other')


def test_an_epoch_loop_over_repeated_images_ends_as_soon(data, tmp_path):
    dataset = user_config().train_dataloader.dataset
    changes = {
        'train_dataloader.dataset': dict(type='RepeatDataset', times=50, dataset=dataset, _delete_=True),
        'train_dataloader.sampler.type': 'DefaultSampler',
        'train_cfg': dict(_delete_=True, type='EpochBasedTrainLoop', max_epochs=9),
        'param_scheduler': [],
    }
    measured = try_training(first_config(changes), tmp_path / 'trial')
    assert (measured.steps, measured.repeats) == (preflight.STEPS, 50)


def test_a_hook_that_begins_late_is_no_error(data, tmp_path):
    try_training(first_config({'custom_hooks': [dict(type='EMAHook', begin_iter=500)]}), tmp_path / 'trial')


def test_a_stage_that_is_fused_averages_what_was_saved(data, tmp_path, monkeypatch):
    averaged = []
    real = preflight.average_state_dicts
    monkeypatch.setattr(preflight, 'average_state_dicts', lambda given: averaged.append(given) or real(given))
    cfg = first_config(scored_on='holdout')
    cfg.default_hooks.fold_average.candidates = ['all_folds', dict(type='all_folds', bn='recalibrate')]
    try_training(cfg, tmp_path / 'trial')
    assert [len(given) for given in averaged] == [2]


def test_batch_norm_is_measured_on_the_same_augmented_images_each_time(data):
    pipeline = [*LOAD, dict(type='RandomFlip', prob=0.5), dict(type='PhotoMetricDistortion'), *PACK]
    alone = {'train_dataloader.num_workers': 0, 'train_dataloader.persistent_workers': False}
    cfg = first_config({'train_dataloader.dataset.pipeline': pipeline, **alone})
    weights = MODELS.build(cfg.model).state_dict()

    def measured():
        order = ScoringOrder({'anew': weights}, recalibrated=['anew'], parts=())
        return WeightScorer(cfg).together(order)['anew'].weights

    one, other = measured(), measured()
    assert all(torch.equal(one[key], other[key]) for key in one)


@pytest.mark.parametrize(
    ('changes', 'options', 'message'),
    [
        (
            {'model.decode_head.type': 'FCNHeadX'},
            {},
            r'cannot be built: KeyError: .*FCNHeadX is not in the mmseg::model registry.* custom_imports',
        ),
        ({'model.backbone.foo': 1}, {}, r"built: TypeError: .*unexpected keyword argument 'foo'.* Take that"),
        ({'model.decode_head.num_classes': 3}, {}, r'num_classes=3, but the data set has 2 classes'),
        ({}, {'monitor': 'mDice'}, r'mDice.* use one of aAcc, mIoU, mAcc'),
        (
            {'optim_wrapper.optimizer.lr': 1e30},
            {},
            r'^The loss of training step 2 is not finite \(loss=nan, decode.loss_ce=nan\).+9\.98999e\+29\) is too',
        ),
        (
            {
                'train_dataloader.batch_size': 5,
                'train_dataloader.drop_last': True,
                'train_dataloader.sampler.type': 'DefaultSampler',
            },
            {},
            r'batch_size=5 with drop_last=True, and 3 images to train on',
        ),
        (
            {'visualizer': dict(type='SegLocalVisualizer', vis_backends=[dict(type='WandbVisBackend')])},
            {},
            r'WandbVisBackend needs the package wandb, which is not installed',
        ),
    ],
    ids=['head', 'argument', 'classes', 'monitor', 'loss', 'batch', 'wandb'],
)
def test_what_will_not_work_is_one_sentence(data, tmp_path, changes, options, message):
    with pytest.raises(UserError, match=message) as error:
        try_training(first_config(changes, **options), tmp_path / 'trial')
    assert '\n' not in str(error.value)


def test_an_image_that_cannot_be_read_is_named(data, tmp_path):
    broken = data / 'data/images/frame4.jpg'
    cfg = first_config()
    broken.write_bytes(b'x' * broken.stat().st_size)
    with pytest.raises(UserError, match='frame4'):
        for fold in (1, 2):
            cfg.train_dataloader.dataset.fold = cfg.val_dataloader.dataset.fold = fold
            try_training(cfg, tmp_path / f'trial{fold}')


def test_a_failed_trial_says_so_and_where_its_log_is(data):
    log = Path('work_dirs/x/preflight.log')
    with pytest.raises(UserError, match=r'^No such head\.\nNothing was trained\. .*work_dirs/x/preflight\.log'):
        trial_job.run_trial(Config(), MadeUpPool({'error': 'No such head.'}, 'failed'), log)
    with pytest.raises(UserError, match=r'want of memory\. Use a smaller train_dataloader\.batch_size'):
        trial_job.run_trial(Config(), MadeUpPool({}, 'preflight failed (killed by signal 9). The end of'), log)


def made_up_trial(monkeypatch, look, **changes):
    """Trials that measure nothing."""
    found = dict(train_seconds=1.0, val_seconds=1.0, steps=2, batch_size=2, size=(32, 48), repeats=1.0)
    found |= dict(memory=2**30, room=0, gpu='', threads=1, seconds=1.0)
    monkeypatch.setattr(before_training, 'run_trial', lambda cfg, *_: look(cfg) or Measured(**found | changes))


def test_a_training_is_tried_once_and_anew_when_it_has_changed(data, monkeypatch):
    tried = []
    made_up_trial(monkeypatch, lambda cfg: tried.append(cfg.optim_wrapper.optimizer.lr))
    for lr in (0.01, 0.01, 0.02):
        plan = recipe({'optim_wrapper.optimizer.lr': lr})
        configs = before_training.runs_to_train(plan.state, None, force=False)
        assert len(configs) == 2
        before_training.check_first(plan, configs, prepared().folds.split, print)
    assert tried == [0.01, 0.02]


def test_the_fold_with_the_fewest_training_images_is_tried(data, monkeypatch):
    tried = []
    made_up_trial(monkeypatch, lambda cfg: tried.append(cfg.train_dataloader.dataset.fold))
    plan, split = recipe(), prepared().folds.split
    split.folds[0].pop()
    configs = before_training.runs_to_train(plan.state, None, force=False)
    before_training.check_first(plan, configs, split, print)
    assert tried == [2]  # It trains on the images of fold 1 alone, of which two are left.


def test_folds_that_do_not_fit_on_their_gpu_are_refused_each_time(data, monkeypatch):
    made_up_trial(monkeypatch, lambda cfg: None, gpu='X', room=2**30)
    monkeypatch.setattr(before_training, 'visible_gpus', lambda: ['0'])
    plan, split = recipe(), prepared().folds.split
    configs = before_training.runs_to_train(plan.state, None, force=False)
    before_training.check_first(plan, configs, split, print)
    plan.pool.jobs = 2
    for _ in range(2):
        with pytest.raises(TrialError, match='2 side by side do NOT FIT: use --jobs 1'):
            before_training.check_first(plan, configs, split, print)


@pytest.mark.parametrize('force', [False, True])
def test_a_fold_is_not_archived_for_a_config_that_the_others_do_not_have(data, monkeypatch, force):
    state = recipe().state
    finished = {'fold1': {'lr': 1}, 'fold2': {'lr': 1}}
    monkeypatch.setattr(StageLedger, 'entry', lambda ledger, name: finished[name])
    monkeypatch.setattr(before_training, 'change_of', lambda cfg, entry: 'is finished, but lr has changed')
    with pytest.raises(StageError, match=r'^fold1 of .* is finished, but lr has changed, .* --force without --only'):
        before_training.runs_to_train(state, {2}, force)
    if force:
        assert len(before_training.runs_to_train(state, None, force)) == 2
