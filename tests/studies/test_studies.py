import json
from collections.abc import Mapping
from dataclasses import asdict, replace
from functools import cache
from itertools import chain, pairwise
from math import ceil
from pathlib import Path

import pytest
import torch
from made_up_recipe import write_recipe
from mmengine.config import Config
from mmseg.registry import MODELS
from test_schedules import rates

from mmseg_custom.config import load_run_config
from mmseg_custom.io.files import read_json, write_json
from mmseg_custom.ledger.stage_ledger import StageLedger
from mmseg_custom.plan.plan import Plan
from studies.configs import SIZE, Lab
from studies.experiments import (
    HALF,
    SEEDS,
    SHORT,
    TIME,
    all_experiments,
    crossover,
    learning_rates,
    main_table,
    short,
)
from studies.figure import PANELS, SINGLE, _gains, draw
from studies.results import finding_of
from studies.tables import tables

IMAGES = 64
EXPERIMENTS = all_experiments()
BY_NAME = {experiment.name: experiment for experiment in EXPERIMENTS.values() if experiment.seed == SEEDS[0]}


class Runs(Mapping):
    """The configs of a plan by the names of its runs, each read once it is asked for."""

    def __init__(self, folder):
        runs = [run for stage in Plan(folder).stages for run in stage.runs]
        self.runs = {run.full_name.partition('seed42_')[2]: run for run in runs}
        self.read = cache(lambda name: load_run_config(self.runs[name].config, fold=self.runs[name].fold))

    def __getitem__(self, run):
        return self.read(run)

    def __iter__(self):
        return iter(self.runs)

    def __len__(self):
        return len(self.runs)


@pytest.fixture(scope='module')
def plan(tmp_path_factory):
    """A function that writes an experiment's plan and reads it back."""
    folder = tmp_path_factory.mktemp('lab')
    return cache(lambda name: Runs(Lab(folder, folder / 'data', IMAGES).plan(BY_NAME[name])))


def epoch_rates(cfg):
    epochs = cfg.train_cfg.max_epochs
    images = IMAGES * (3 / 4 if cfg.train_dataloader.dataset.fold else 1)
    steps = ceil(images / cfg.train_dataloader.batch_size)
    return list(chain.from_iterable(rates(cfg, [1.0] * epochs, iters=steps)))


@pytest.mark.parametrize('experiment', main_table(), ids=lambda experiment: experiment.name)
def test_a_budget_is_kept_to_the_pass(experiment):
    assert experiment.budget in ('passes', 'time', 'both')
    if experiment.budget in ('passes', 'both'):
        assert experiment.cost == TIME
    if experiment.budget in ('time', 'both'):
        assert experiment.time == TIME


@pytest.mark.parametrize(
    'experiment', [*crossover(), *learning_rates(), *short()], ids=lambda experiment: experiment.key
)
def test_a_worker_of_a_shorter_plan_has_its_share_of_the_time(experiment):
    share = SHORT if experiment.name.startswith('short') else 1 if experiment.name == 'strong_lr8' else HALF
    assert experiment.time == TIME * share
    assert {phase.passes / phase.share % 1 for phase in experiment.phases} == {0.0}


def test_both_seeds_train_the_same_plans():
    others = [experiment for experiment in EXPERIMENTS.values() if experiment.seed != SEEDS[0]]
    assert {experiment.name for experiment in main_table()} < {experiment.name for experiment in others}
    assert all(replace(experiment, seed=SEEDS[0]) == BY_NAME[experiment.name] for experiment in others)


@pytest.mark.parametrize('name', ['published_passes', 'reference_passes', 'strong_passes', 'stock', 'strong'])
def test_all_read_and_score_the_same_images(name, plan):
    for run, cfg in plan(name).items():
        train = cfg.train_dataloader
        assert cfg.env_cfg.num_threads == 1
        for loader in (train, cfg.val_dataloader, cfg.test_dataloader):
            assert loader.num_workers == 0 and loader.dataset.packed is None
            assert loader.dataset.folds.num_folds == 4
        assert train.dataset.folds == cfg.test_dataloader.dataset.folds
        sizes = [step.scale for step in cfg.test_dataloader.dataset.pipeline if 'scale' in step]
        assert sizes == [SIZE]
        assert train.dataset.fold == (int(run[-1]) if 'fold' in run else None)


@pytest.mark.parametrize('name', ['strong_passes', 'strong_time'])
def test_a_worker_follows_one_curve_through_its_stages(name, plan):
    runs = plan(name)
    stages = [epoch_rates(runs[run]) for run in ('stage1', 'stage2_fold1', 'stage3_fold1')]
    joined = list(chain(*stages))
    assert joined == sorted(joined, reverse=True)
    assert joined[-1] == pytest.approx(0, abs=1e-6)
    for before, after in pairwise(stages):
        assert after[0] == pytest.approx(before[-1], rel=0.3)


def test_last_rate_is_kept(plan):
    runs = plan('half_high_rate')
    first, last = runs['stage1'].optim_wrapper.optimizer.lr, epoch_rates(runs['stage3_fold4'])[-1]
    assert last / first == pytest.approx(BY_NAME['half_high_rate'].last_rate, rel=0.05)


def test_another_learning_rate_moves_the_whole_curve(plan):
    whole, other = plan('half_time'), plan('half_time_lr8')
    factor = 8e-3 / whole['stage1'].optim_wrapper.optimizer.lr
    for run, cfg in other.items():
        assert epoch_rates(cfg) == pytest.approx([factor * rate for rate in epoch_rates(whole[run])])


def test_a_wider_network_is_as_wide_as_said(plan):
    for cfg in plan('short_time_wide').values():
        features = MODELS.build(cfg.model.backbone)(torch.zeros(1, 3, 64, 64))
        assert [features[0].shape[1], features[-1].shape[1]] == list(cfg.model.decode_head.in_channels) == [24, 192]


def test_warm_up_ends_on_the_curve(plan):
    name = 'half_warm_up'
    without, runs = plan('half_time'), plan(name)
    assert epoch_rates(runs['stage1']) == epoch_rates(without['stage1'])
    for run in ('stage2_fold1', 'stage3_fold4'):
        rising, curve = epoch_rates(runs[run]), epoch_rates(without[run])
        steps = BY_NAME[name].warm_up
        assert rising[0] == pytest.approx(0.01 * curve[0]) and rising[: steps // 2] == sorted(rising[: steps // 2])
        assert rising[steps:] == pytest.approx(curve[steps:])


def test_published_differs_from_the_reference_in_the_loss_alone(plan):
    published, reference = plan('published_passes'), plan('reference_passes')
    for run, cfg in published.items():
        ours, theirs = (json.loads(json.dumps(one._cfg_dict)) for one in (reference[run], cfg))
        losses = [one['model']['decode_head'].pop('loss_decode') for one in (ours, theirs)]
        assert (losses[0] == losses[1]) == (run == 'stage1')
        assert ours['model'] == theirs['model'] and ours['optim_wrapper'] == theirs['optim_wrapper']


def finding(name, score, seed=SEEDS[0]):
    experiment = replace(BY_NAME[name], seed=seed)
    fused = {kind: {'mIoU': score + extra, 'interval': [score - 1, score + 2]} for kind, extra in KINDS.items()}
    run = {
        'seconds': 1800.0,
        'peak_memory': 1_500_000_000,
        'held_out': score,
        'val': score - 1,
        'seen': not experiment.leak_free,
    }
    folds = experiment.phases[-1].folds
    stage = {'winner': 'all_folds', 'candidates': fused, 'runs': {f'fold{k}': run for k in range(folds or 0)}}
    alone = {'winner': 'full', 'candidates': {'full': {'mIoU': score, 'interval': []}}, 'runs': {'full': run}}
    passes = {'all': experiment.cost, 'one worker': experiment.time}
    return {'experiment': asdict(experiment), 'passes': passes, 'stages': [alone, stage] if folds else [alone]}


KINDS = {'best_fold': 0.0, 'all_folds': 2.0, 'all_folds_bn': 1.0, 'ensemble': 3.0}


def test_a_finding_is_what_the_ledgers_say(tmp_path):
    write_recipe(tmp_path)
    path = tmp_path / 'stage2/stage.json'
    outcome = read_json(path)
    write_json({**outcome, 'ensemble': {'ingredients': [], 'val': {'mIoU': 44.4}}}, path)
    ledgers = {number: StageLedger(tmp_path / f'stage{number}') for number in (1, 2)}
    found = finding_of(BY_NAME['strong_passes'], ledgers, {})['stages']
    assert [stage['winner'] for stage in found] == ['full', 'all_folds']
    assert {name: candidate['mIoU'] for name, candidate in found[1]['candidates'].items()} == {
        **{name: round(entry['val']['mIoU'], 3) for name, entry in outcome['candidates'].items()},
        'ensemble': 44.4,
    }
    run = found[1]['runs']['fold2']
    assert run['epochs'] == len(run['curve']) == 4 and run['seen'] and run['peak_memory'] == 2_340_000_000


def test_table_gives_mean_and_deviation_of_the_seeds():
    findings = {'a': finding('strong_time', 50.0), 'b': finding('strong_time', 52.0, SEEDS[1])}
    lines = tables(findings).splitlines()
    assert lines[2] == '| **strong_time** | 2 | 53.00 ± 1.41 | 49.0 to 52.0 | 51.00 (seen) | 78 | 24 | 2.50 | 1.50 |'
    assert lines[3].startswith('| best_fold | 2 | 51.00 ± 1.41 |') and len(lines) == 2 + 1 + len(KINDS)
    single = tables({'a': finding('strong', 50.0)}).splitlines()
    assert single[2] == '| **strong** | 1 | 50.00 | - | - | 24 | 24 | 0.50 | 1.50 |' and len(single) == 3


def test_figure_is_drawn_of_what_is_done(tmp_path):
    file = tmp_path / 'figure.png'
    draw({f'{name}_seed42': finding(name, 50.0) for name in ('half_time', 'half', 'half_k2')[:2]}, file)
    assert not file.exists()
    draw({f'{name}_seed42': finding(name, 50.0) for name in ('half_time', 'half', 'half_k2')}, file)
    assert file.stat().st_size > 10_000


def test_gains_of_averages_are_by_the_rate_they_were_made_at():
    others = ('half', 'published_passes', 'half_leak_free')
    plans = {name: finding(name, 50.0) for name in ('half_one_stage', 'half_time_lr8', *others)}
    assert list(_gains(plans)) == [(0.0, 1.0, 2.0), (pytest.approx(8e-3 * (4.5 / 12) ** 0.9), 1.0, 2.0)]


def test_figure_compares_plans_that_exist_and_differ_in_what_it_says():
    named = {name for plans in PANELS.values() for name in plans.values()}
    assert named | set(SINGLE.values()) <= set(BY_NAME)
    starts = next(plans for name, plans in PANELS.items() if 'before' in name)
    assert all(BY_NAME[name].phases[0].passes == share * TIME * HALF for share, name in starts.items())
    folds = next(plans for name, plans in PANELS.items() if 'workers' in name)
    assert all(BY_NAME[name].phases[-1].folds == number for number, name in folds.items())


def test_leak_free_folds_go_on_from_themselves(plan):
    runs = plan('half_leak_free')
    assert len(runs) == 12
    for run, cfg in runs.items():
        folds, start = cfg.train_dataloader.dataset.folds, cfg.load_from
        assert folds.group_by == 'block' and cfg.default_hooks.fold_average.init == 'own_fold'
        assert (start is None) == ('stage1' in run) and cfg.val_dataloader.dataset.fold == int(run[-1])
    cells = tables({'a': finding('half_leak_free', 50.0)}).splitlines()[2].split(' | ')
    assert cells[2:5] == ['52.00', '49.0 to 52.0', '50.00']


def test_fewer_images_are_every_nth_of_train_as_often_and_all_of_val(tmp_path):
    data = tmp_path / 'data'
    for kind, suffix in (('images', 'jpg'), ('labels', 'png')):
        for split, number in (('train', IMAGES), ('val', 3)):
            (data / kind / split).mkdir(parents=True)
            for index in range(number):
                (data / kind / split / f'{index:02}.{suffix}').touch()
    lab, few = Lab(tmp_path / 'lab', data, IMAGES), BY_NAME['half_few']
    for _ in range(2):
        file = next(lab.plan(few).glob('*.py'))
    cfg = Config.fromfile(file)
    root, split = Path(cfg.train_dataloader.dataset.data_root), cfg.train_dataloader.dataset.folds
    for kind in ('images', 'labels'):
        assert [int(path.stem) for path in sorted((root / kind / 'train').iterdir())] == [*range(0, IMAGES, 4)]
        assert len(list((root / kind / 'val').iterdir())) == 3
    epochs, batch_size = cfg.train_cfg.max_epochs, cfg.train_dataloader.batch_size
    assert epochs == 4 * few.time and cfg.param_scheduler.end == epochs * IMAGES / 4 / batch_size
    assert Path(split.file).parent == root == Path(cfg.train_dataloader.sampler.counts).parent
