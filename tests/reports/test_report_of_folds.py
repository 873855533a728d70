import pytest
from made_up_folds import write_folds
from made_up_recipe import rows_of

from mmseg_custom.cross_validation.fold_scores import add_up_folds, write_out_of_fold
from mmseg_custom.ledger.stage_ledger import StageLedger
from mmseg_custom.reports import recipe_table, report_line, write_report
from mmseg_custom.reports.charts.fold_charts import held_out_dots
from mmseg_custom.reports.charts.recipe_charts import curve_chart, curve_keys
from mmseg_custom.reports.findings.fold_examination import examine_folds
from mmseg_custom.reports.findings.recipe_record import read_recipe


@pytest.fixture
def folder(tmp_path):
    ledger = write_folds(tmp_path)
    write_out_of_fold(add_up_folds(ledger), ledger)
    return tmp_path


def test_page_of_folds_without_val_says_the_score_out_of_fold(folder, no_pictures, no_script):
    page = write_report(folder).read_text()
    assert '<b>65.48</b><span>mIoU out of fold' in page
    assert '68.75 ± 12.37' in page
    assert 'Confusion matrix of the folds on their held-out images' in page
    assert 'id="the-samples"' not in page and 'No stage has a winner' not in page
    assert {
        'plan',
        'curve_mDice',
        'folds_held_out_mIoU',
        'folds_held_out_mDice',
        'classes_out_of_fold',
    } <= no_pictures.keys()


def test_half_done_folds_have_a_page(tmp_path, no_pictures, no_script):
    write_folds(tmp_path)
    assert 'No stage has a winner yet' in write_report(tmp_path).read_text()


def test_curves_count_in_iterations_and_begin_with_the_monitor(folder):
    recipe = read_recipe(folder)
    assert curve_keys(recipe) == ['mDice', 'train_loss', 'lr']
    lines = {row['series']: (row['x'], row['y']) for row in rows_of(curve_chart(recipe, 'mDice'), 'dashed')}
    assert lines == {'fold1': ([40, 80], [51, 51]), 'fold2': ([40, 80], [52, 52])}


def test_dots_have_the_pooled_score_with_its_interval(folder):
    rows = [row for row in rows_of(held_out_dots(read_recipe(folder)), 'slot') if row['series'] == 'all images']
    assert [(row['y'], row['low'], row['high']) for row in rows] == [pytest.approx((65.476, 100 / 3, 100), abs=1e-3)]


def test_folds_are_examined_by_what_was_counted(folder):
    found = examine_folds(read_recipe(folder))
    assert found.matrix == [[9, 3], [2, 10]]
    assert found.palette == [[128, 64, 128], [70, 130, 180]]
    assert found.scores == {'a.png': pytest.approx(77.5), 'b.png': pytest.approx(100 / 3), 'c.png': 100}


def test_table_counts_in_iterations(folder):
    table = recipe_table({1: StageLedger(folder / 'stage1')})
    assert '| iterations | kept |' in table
    assert '|         80 |   80 |' in table


def test_a_fault_of_the_report_is_a_line(folder, monkeypatch):
    monkeypatch.setattr('mmseg_custom.reports.report.read_recipe', lambda _: {}['val'])
    assert report_line(folder) == "no report: KeyError: 'val'"
