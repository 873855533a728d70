import io

import pytest
from rich.console import Console

from mmseg_custom.config import load_run_config
from mmseg_custom.datasets.prepare import prepare
from mmseg_custom.engine.stage_runner import build_runner
from mmseg_custom.errors import StageError
from mmseg_custom.launchers.local_pool import LocalPool
from mmseg_custom.launchers.worker import Progress, ProgressHook
from mmseg_custom.plan.plan import Plan
from mmseg_custom.plan.progress import PlanProgress, RunProgress, duration
from mmseg_custom.plan.recipe import Recipe
from mmseg_custom.reports.live_table import LiveTable, live_table


@pytest.fixture
def clock(monkeypatch):
    """A clock that the test turns."""
    times = [0.0]
    monkeypatch.setattr('time.monotonic', lambda: times[0])
    return times


def plan(report=None):
    runs = {
        'tiny_stage1': RunProgress('tiny_stage1', 1, 'full', length=2),
        'tiny_stage2_fold1': RunProgress('tiny_stage2_fold1', 2, 'fold1', length=4),
        'tiny_stage2_fold2': RunProgress('tiny_stage2_fold2', 2, 'fold2', length=4),
    }
    return PlanProgress(runs, report)


class Terminal(io.StringIO):
    def isatty(self):
        return True


def text(progress, width=100):
    console = Console(file=io.StringIO(), width=width, force_terminal=True, color_system=None)
    table = LiveTable(console)
    table.follow(progress)
    console.print(table.render())
    return console.file.getvalue()


def test_each_validated_epoch_is_a_line_about_the_plan(clock):
    lines = []
    progress = plan(lines.append)
    progress.tell(Progress('tiny_stage1', 0))
    clock[0] = 5.0
    progress.tell(Progress('tiny_stage1', 0.5, loss=2.0))
    clock[0] = 10.0
    progress.tell(Progress('tiny_stage1', 1, score=20.125))
    assert lines == ['tiny_stage1: epoch 1/2, 20.12 mIoU | 10% of the plan, 1 min 30 s left']


def test_epochs_of_an_earlier_call_do_not_count_as_speed(clock):
    progress = plan()
    progress.tell(Progress('tiny_stage2_fold1', 3))
    assert progress.seconds_left is None
    clock[0] = 8.0
    progress.tell(Progress('tiny_stage2_fold1', 4, score=30.0))
    assert progress.fraction == pytest.approx(0.4)
    assert progress.seconds_left == pytest.approx(8.0 * 6)
    progress.tell(Progress('tiny_stage1', 0))
    progress.tell(Progress('tiny_stage1', 2))
    assert progress.seconds_left == pytest.approx(8.0 / 3 * 4)


def test_a_run_knows_its_time_loss_and_best(clock):
    progress, run = plan(), None
    for clock[0], heard in enumerate(
        [
            Progress('tiny_stage2_fold1', 1),
            Progress('tiny_stage2_fold1', 1.5, loss=0.75),
            Progress('tiny_stage2_fold1', 2, score=40.0),
            Progress('tiny_stage2_fold1', 2.5, loss=0.5),
            Progress('tiny_stage2_fold1', 3, score=35.0),
        ]
    ):
        progress.tell(heard)
    run = progress.runs['tiny_stage2_fold1']
    assert (run.loss, run.score, run.best, run.elapsed) == (0.5, 35.0, 40.0, 4.0)
    assert run.seconds_left == pytest.approx(2.0)
    clock[0] = 100.0
    assert run.elapsed == 4.0, 'the clock of a run that says nothing more stands still'


@pytest.mark.parametrize(
    ('seconds', 'said'), [(None, '?'), (9.4, '0 min 09 s'), (3599.6, '1 h 00 min'), (3900, '1 h 05 min')]
)
def test_durations(seconds, said):
    assert duration(seconds) == said


def test_the_table_shows_the_folds_of_the_stage_under_way(clock):
    progress = plan()
    progress.stage = 2
    progress.tell(Progress('tiny_stage1', 2))
    progress.tell(Progress('tiny_stage2_fold1', 0))
    clock[0] = 70.0
    progress.tell(Progress('tiny_stage2_fold1', 2, score=41.5))
    progress.tell(Progress('tiny_stage2_fold1', 2.25, loss=0.625))
    head, first, second, bar = (' '.join(line.split()) for line in text(progress).splitlines())
    assert head == 'stage model epoch loss mIoU best elapsed left'
    assert first == '2 fold1 3/4 0.625 41.50 41.50 1 min 10 s 0 min 54 s'
    assert second == '2 fold2 -/4 - - - waits'
    assert bar.endswith(' 42%, 1 of 3 runs, 2 min 59 s left')
    assert max(map(len, text(progress, width=72).splitlines())) <= 72


def test_the_table_says_that_candidates_are_scored_and_then_goes(clock):
    progress = plan()
    progress.stage = 2
    for fold in ('tiny_stage2_fold1', 'tiny_stage2_fold2'):
        progress.tell(Progress(fold, 4))
    assert 'the candidates are being scored' in text(progress)
    progress.stage = None
    assert 'fold1' not in text(progress)
    assert '2 of 3 runs' in text(progress)


@pytest.mark.parametrize(
    ('file', 'environment'),
    [(io.StringIO, {'FORCE_COLOR': '1'}), (Terminal, {'TERM': 'dumb'}), (Terminal, {'CI': 'true'})],
)
def test_lines_stay_where_nothing_can_be_redrawn(tiny_recipe, monkeypatch, file, environment):
    monkeypatch.delenv('CI', raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    recipe = Recipe(Plan(tiny_recipe), LocalPool(1), print)
    with live_table(recipe, Console(file=file())):
        assert recipe.report is print
        assert recipe.follow is None


@pytest.mark.parametrize('no_color', [False, True])
def test_a_terminal_is_sane_after_a_crash(tiny_recipe, monkeypatch, no_color):
    monkeypatch.delenv('CI', raising=False)
    monkeypatch.setenv('TERM', 'xterm')
    monkeypatch.delenv('NO_COLOR', raising=False)
    if no_color:
        monkeypatch.setenv('NO_COLOR', '1')
    recipe, terminal = Recipe(Plan(tiny_recipe), LocalPool(1), print), Terminal()
    with pytest.raises(StageError), live_table(recipe, Console(file=terminal, force_terminal=True)):
        recipe.report('stage 1: [winner]')
        progress = plan()
        progress.stage = 2
        progress.tell(Progress('tiny_stage2_fold1', 4))
        recipe.follow(progress)
        raise StageError('a fold failed')
    written = terminal.getvalue()
    assert 'stage 1: [winner]' in written
    assert written.index('\x1b[?25l') < written.rindex('\x1b[?25h'), 'the cursor is shown again'
    assert ('\x1b[32m' in written) != no_color


def test_a_run_tells_its_start_its_loss_and_its_end(tiny_recipe):
    cfg = load_run_config(tiny_recipe / 'tiny_stage1.py')
    prepare(cfg)
    runner, told = build_runner(cfg), []
    runner.register_hook(ProgressHook('tiny_stage1', told.append))
    runner.train()
    assert told[0] == Progress('tiny_stage1', 0)
    assert 0 < told[1].done < 1
    assert told[1].loss > 0
    assert [progress.done for progress in told if progress.score is not None] == [1, 2]
    assert told[-1] == Progress('tiny_stage1', 2)
