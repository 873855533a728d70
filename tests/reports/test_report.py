import json
import math
import subprocess
import sys

import pytest
from made_up_recipe import write_examination, write_recipe

from mmseg_custom.io.processes import process_name, this_process
from mmseg_custom.ledger.stage_ledger import StageLedger
from mmseg_custom.reports import report_or_curves, write_report
from mmseg_custom.reports.charts.examination_charts import examination_charts
from mmseg_custom.reports.charts.recipe_charts import curve_chart, fold_bars, recipe_charts
from mmseg_custom.reports.drawing.plotly_figures import plotly_figure
from mmseg_custom.reports.findings.examination import examine_winner
from mmseg_custom.reports.findings.facts import headline, reproduction
from mmseg_custom.reports.findings.recipe_record import ReportError, read_recipe
from mmseg_custom.reports.report import write_figures


@pytest.fixture
def folder(tmp_path):
    return write_recipe(tmp_path / 'made_up')


def test_headline_by_hand(folder):
    found = headline(read_recipe(folder))
    # all_folds of stage 2: 32 + 2 * 2 + 3 / 3; full of stage 1: 32 + 2 + 1 / 3; folds: 34.5, 35, 35.5
    assert (found['score'], found['gain']) == pytest.approx((37.0, 37.0 - 34 - 1 / 3))
    assert (found['mean'], found['deviation']) == pytest.approx((35.0, 0.5))
    assert found['winner'] == 'all_folds (1, 2, 3)'
    assert (found['progress'], found['seen']) == (', the last of 2', False)


def test_weights_trained_on_val_are_marked(folder):
    recipe = read_recipe(folder)
    recipe.fused[-1].winner['lineage']['seen'].append({'split': 'val'})
    assert headline(recipe)['seen'] is True


def test_curves_span_all_stages_and_mark_what_was_seen(folder):
    chart = curve_chart(read_recipe(folder), 'mIoU')
    lines = {line.name: line for line in chart.lines}
    assert [line.dashed for line in chart.lines] == [False, True, True, True]
    assert [x for x, y in lines['fold2'].points if math.isfinite(y)] == [5, 6, 7, 8]
    assert chart.stages == [(0, '1'), (4, '2')]
    assert [x for x, _ in chart.stars] == [4, 8]


def test_restarts_are_at_the_end_of_the_epoch_before(tmp_path):
    recipe = read_recipe(write_recipe(tmp_path / 'long', stages=1, epochs=12))
    assert curve_chart(recipe, 'lr').restarts == [10]


def test_folds_have_mean_and_deviation_and_bars_close_up(folder):
    chart = fold_bars(read_recipe(folder), on_val=True)
    assert chart.means[1] == pytest.approx((35.0, 0.5))
    assert math.isnan(chart.means[0][0])
    places, width = chart.places()
    assert places[0][0] == 0
    assert [column[1] for column in places][1:] == pytest.approx([1 - width, 1, 1 + width])


def test_half_done_recipe_reports_what_is_there(tmp_path):
    folder = write_recipe(tmp_path / 'half', unfinished=('fold2',))
    page = write_report(folder).read_text()
    assert 'Confusion matrix, class frequency and samples are missing.' in page
    assert 'fold2 of stage 2 has not finished' in page
    assert 'of 2; the later ones are not finished' in page
    names = {path.name for path in (folder / 'figures').iterdir()}
    assert {'plan.png', 'plan.svg', 'curve_mIoU.svg', 'folds_val.png', 'candidates.svg'} <= names
    assert not any('confusion' in name for name in names)


def test_nothing_but_a_run_without_its_stage(tmp_path):
    folder = write_recipe(tmp_path / 'first', stages=1, epochs=1)
    (folder / 'stage1' / 'stage.json').unlink()
    assert 'No stage has a winner yet' in write_report(folder).read_text()


def test_files_are_the_same_when_written_again(folder):
    charts = recipe_charts(read_recipe(folder))[:2]

    def contents():
        write_figures(charts, folder / 'figures')
        return {path.name: path.read_bytes() for path in (folder / 'figures').iterdir()}

    first = contents()
    assert set(first) == {'plan.png', 'plan.svg', 'curve_train_loss.png', 'curve_train_loss.svg'}
    assert contents() == first


def test_what_a_killed_report_left_goes_with_the_next(folder):
    left = folder / 'figures' / f'.plan.png.{process_name({**this_process(), "pid": dead_process()})}.tmp'
    left.parent.mkdir(exist_ok=True)
    left.write_bytes(b'half')
    write_report(folder)
    assert not left.exists()


def dead_process():
    process = subprocess.Popen(['true'])
    process.wait()
    return process.pid


@pytest.mark.parametrize('classes', [['only'], ['a', 'b$_x$', 'a very long name of a class that goes on']])
def test_few_and_odd_classes_are_drawn(tmp_path, classes):
    folder = write_recipe(tmp_path / 'odd', classes=classes, epochs=1)
    write_examination(folder, '2all_folds', classes)
    assert {'plan', 'candidate_classes'} <= {chart.name for chart in recipe_charts(read_recipe(folder))}
    assert classes[-1] in write_report(folder).read_text()
    names = {path.name for path in (folder / 'figures').iterdir()}
    assert {'confusion_counts.svg', 'confusion_row_normalised.png', 'samples.png', 'frequency.svg'} <= names


def test_plotly_knows_every_field_and_json_every_value(folder):
    objects = pytest.importorskip('plotly.graph_objects', reason='plotly is not installed')
    write_examination(folder, '2all_folds')
    recipe = read_recipe(folder)
    charts = [*recipe_charts(recipe), *examination_charts(examine_winner(recipe))]
    assert len(charts) == 14
    for chart in charts:
        figure = plotly_figure(chart)
        objects.Figure(figure['data'], figure['layout'])
        json.dumps(figure, allow_nan=False)


def test_folder_without_runs_is_named(tmp_path):
    with pytest.raises(ReportError, match='holds no finished run'):
        write_report(tmp_path)


def test_without_plotly_the_curves_are_drawn(folder, monkeypatch):
    monkeypatch.setitem(sys.modules, 'plotly.offline', None)
    with pytest.raises(ReportError, match=r"pip install 'mmseg-custom\[report\]'"):
        write_report(folder)
    line = report_or_curves(folder, {1: StageLedger(folder / 'stage1'), 2: StageLedger(folder / 'stage2')})
    assert 'mmseg-custom[report]' in line
    assert (folder / 'curves.png').read_bytes().startswith(b'\x89PNG')


def test_commands_can_be_pasted(folder):
    recipe = read_recipe(folder)
    for stage in recipe.stages:
        for entry in stage.runs.values():
            entry['config'] = f'my configs/stage{stage.number}.py'
    commands = reproduction(recipe, {'train_cfg.max_epochs': 3})
    assert commands[1] == "python tools/run_recipe.py 'my configs' --cfg-options train_cfg.max_epochs=3"
    assert reproduction(recipe, repeats=3)[1] == "python tools/run_recipe.py 'my configs' --repeats 3"
    assert commands[3].startswith("python tools/test.py 'my configs/stage2.py' ")
