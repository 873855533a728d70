import json
import subprocess
import sys

import pytest
from made_up_recipe import rows_of, write_examination, write_recipe

from mmseg_custom.io.processes import process_name, this_process
from mmseg_custom.reports import report_line, write_report
from mmseg_custom.reports.charts.examination_charts import examination_charts
from mmseg_custom.reports.charts.fold_charts import val_dots
from mmseg_custom.reports.charts.recipe_charts import curve_chart, recipe_charts
from mmseg_custom.reports.findings.examination import examine_winner
from mmseg_custom.reports.findings.facts import headline, reproduction
from mmseg_custom.reports.findings.recipe_record import ReportError, read_recipe
from mmseg_custom.reports.pictures import write_figures

CLASSES = ['road', 'sky', 'car']


@pytest.fixture
def folder(tmp_path):
    return write_recipe(tmp_path / 'made_up', classes=CLASSES)


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
    lines = {row['series']: row for row in rows_of(chart, 'dashed')}
    assert {name: line['dashed'] for name, line in lines.items()} == {
        'full': False,
        'fold1': True,
        'fold2': True,
        'fold3': True,
    }
    assert (lines['fold2']['x'], lines['fold2']['y']) == ([5, 6, 7, 8], [32.25, 33.5, 34.75, 36.0])
    assert [row['start'] for row in rows_of(chart, 'label')] == [0, 4]
    assert [(row['end'], row['star']) for row in rows_of(chart, 'star')] == [
        (4, pytest.approx(34 + 1 / 3)),
        (8, 37.0),
    ]


def test_restarts_are_at_the_end_of_the_epoch_before(tmp_path):
    recipe = read_recipe(write_recipe(tmp_path / 'long', stages=1, epochs=12))
    assert [row['start'] for row in rows_of(curve_chart(recipe, 'lr'), 'start') if 'label' not in row] == [10]


def test_folds_have_mean_and_deviation_and_stand_close_together(folder):
    rows = rows_of(val_dots(read_recipe(folder)), 'slot')
    stages = [[(row['series'], row['slot'], row['y']) for row in rows if row['stage'] == stage] for stage in '12']
    assert stages[0] == [('full', 0, 32.5)]
    assert stages[1] == [('fold1', -1.5, 34.5), ('fold2', -0.5, 35.0), ('fold3', 0.5, 35.5), ('mean', 1.5, 35.0)]
    assert (rows[-1]['low'], rows[-1]['high']) == pytest.approx((34.5, 35.5))


def test_half_done_recipe_reports_what_is_there(tmp_path, no_pictures, no_script):
    folder = write_recipe(tmp_path / 'half', unfinished=('fold2',), classes=CLASSES)
    page = write_report(folder).read_text()
    assert 'Confusion matrix, class frequency and samples are missing.' in page
    assert 'fold2 of stage 2 has not finished' in page
    assert 'of 2; the later ones are not finished' in page
    assert {'plan', 'curve_mIoU', 'folds_val', 'candidates'} <= no_pictures.keys()
    assert not any('confusion' in name for name in no_pictures)


def test_nothing_but_a_run_without_its_stage(tmp_path, no_pictures, no_script):
    folder = write_recipe(tmp_path / 'first', stages=1, epochs=1, classes=CLASSES)
    (folder / 'stage1' / 'stage.json').unlink()
    assert 'No stage has a winner yet' in write_report(folder).read_text()


def test_figures_are_described_without_checks_as_with_them(folder, no_pictures, no_script):
    write_examination(folder, '2all_folds', CLASSES)
    write_report(folder)
    recipe = read_recipe(folder)
    checked = recipe_charts(recipe) + examination_charts(examine_winner(recipe))
    assert len(checked) > 8
    assert {name: no_pictures[name] for one in checked for name in one.files} == {
        name: view for one in checked for name, view in one.files.items()
    }


def test_files_are_the_same_when_written_again(folder):
    charts = [curve_chart(read_recipe(folder), 'mIoU')]

    def contents():
        write_figures(charts, folder / 'figures')
        return {path.name: path.read_bytes() for path in (folder / 'figures').iterdir()}

    first = contents()
    assert set(first) == {'curve_mIoU.png', 'curve_mIoU.svg'}
    assert contents() == first


def test_what_a_killed_report_left_goes_with_the_next(folder, no_pictures, no_script):
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
def test_few_and_odd_classes_are_described(tmp_path, classes, no_pictures, no_script):
    folder = write_recipe(tmp_path / 'odd', classes=classes, epochs=1)
    write_examination(folder, '2all_folds', classes)
    assert classes[-1] in write_report(folder).read_text()
    names = {'plan', 'candidate_classes', 'confusion_counts', 'confusion_row_normalised', 'samples', 'frequency'}
    assert names <= no_pictures.keys()
    json.dumps(no_pictures, allow_nan=False)


def test_folder_without_runs_is_named(tmp_path):
    with pytest.raises(ReportError, match='holds no finished run'):
        write_report(tmp_path)


def test_a_package_that_is_missing_is_named(folder, monkeypatch):
    monkeypatch.setitem(sys.modules, 'vl_convert', None)
    monkeypatch.delitem(sys.modules, 'mmseg_custom.reports.pictures', raising=False)
    monkeypatch.delitem(sys.modules, 'mmseg_custom.reports.page', raising=False)
    assert report_line(folder) == "no report: the report needs vl_convert: pip install 'mmseg-custom[report]'"


def test_commands_can_be_pasted(folder):
    recipe = read_recipe(folder)
    for stage in recipe.stages:
        for entry in stage.runs.values():
            entry['config'] = f'my configs/stage{stage.number}.py'
    commands = reproduction(recipe, {'train_cfg.max_epochs': 3})
    assert commands[1] == "python tools/run_recipe.py 'my configs' --cfg-options train_cfg.max_epochs=3"
    assert reproduction(recipe, repeats=3)[1] == "python tools/run_recipe.py 'my configs' --repeats 3"
    assert commands[3].startswith("python tools/test.py 'my configs/stage2.py' ")
