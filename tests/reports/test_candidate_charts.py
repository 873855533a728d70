import pytest
from made_up_recipe import add_path, rows_of, write_recipe

from mmseg_custom.io.files import read_json, write_json
from mmseg_custom.ledger.stage_ledger import StageLedger
from mmseg_custom.reports import recipe_table
from mmseg_custom.reports.charts.candidate_charts import candidate_dots, candidate_series, path_chart, repeat_dots
from mmseg_custom.reports.findings.loss_barrier import describe_loss_barriers, find_paths
from mmseg_custom.reports.findings.recipe_record import read_recipe
from mmseg_custom.reports.findings.repeats import read_repeats
from mmseg_custom.reports.page import render_page

FLAT = {0: 34.0, 0.25: 34.0, 0.75: 36.0, 1: 37.0, 1.25: 36.0}
DIP = {**FLAT, 0.25: 33.5}
VALLEY = {**FLAT, 0.25: 30.0}


@pytest.fixture
def folder(tmp_path):
    return write_recipe(tmp_path / 'made_up', stages=3, classes=['road', 'sky'])


def paths_of(folder):
    return [path for stage in read_recipe(folder).fused for path in find_paths(stage)]


@pytest.mark.parametrize(
    ('values', 'verdict'),
    [
        (FLAT, 'no loss barrier'),
        (DIP, 'no sure loss barrier, but a dip of 0.5 points'),  # its interval reaches 34.5
        (VALLEY, 'a loss barrier of 4.0 points'),  # its interval ends at 31
        ({0.25: 30.0, 1: 37.0}, 'not enough points to tell'),
        ({0: 30.0, 1: 37.0, 1.25: 20.0}, 'not enough points to tell'),
    ],
)
def test_loss_barrier_by_hand(folder, values, verdict):
    add_path(folder, 2, values)
    found = paths_of(folder)
    assert [path.verdict for path in found] == [verdict]
    assert found[0].points == sorted(values.items())
    assert found[0].band == [(value - 1, value + 1) for _, value in sorted(values.items())]
    assert path_chart(read_recipe(folder))[0].title == f'From initial weights to average: {verdict}'


def test_stages_with_a_loss_barrier_are_named_and_batch_norm_has_its_own_line(folder):
    add_path(folder, 2, FLAT)
    add_path(folder, 3, VALLEY)
    add_path(folder, 3, {t: value for t, value in DIP.items() if t}, bn='_bn')
    found = paths_of(folder)
    assert describe_loss_barriers(found) == 'a loss barrier in stage 3'
    assert [path.name for path in found] == ['stage 2', 'stage 3', 'stage 3, batch norm anew']
    assert found[2].points[0] == (0, 34.0)
    lines = rows_of(path_chart(read_recipe(folder))[0], 'dashed')
    assert [line['dashed'] for line in lines] == [False, False, True]
    assert lines[2]['y'] == [34.0, 33.5, 36.0, 37.0, 36.0]
    assert describe_loss_barriers([found[0], found[2]]) == 'no sure loss barrier'


def test_without_points_there_is_no_path(folder):
    assert path_chart(read_recipe(folder)) == []


def test_intervals_and_candidates_that_may_equal_the_winner_are_shown(folder):
    add_path(folder, 2, FLAT)
    recipe = read_recipe(folder)
    series = {one.name: one for one in candidate_series(recipe)}
    assert series.keys() == {'best fold', 'all folds', 'top2', 'full'}
    assert (series['all folds'].marks, series['best fold'].marks) == (['', '★', '★'], ['', '≈', ''])
    chart = candidate_dots(recipe)
    (winner,) = [row for row in rows_of(chart, 'slot') if (row['series'], row['stage']) == ('all folds', '2')]
    assert (winner['y'], winner['low'], winner['high'], winner['top']) == (37.0, 36.0, 38.0, 38.0)
    assert [row['head'] for row in rows_of(chart, 'head')] == ['★ 34.3', '★ 37.0', '★ 39.0']
    assert '95 % bootstrap intervals' in chart.caption
    assert '≈: the difference to the winner' in chart.caption
    table = recipe_table({2: StageLedger(folder / 'stage2')})
    rows = {line.split('|')[2].split()[0]: line for line in table.splitlines() if line.count('|') > 8}
    assert [cell.strip() for cell in rows['all_folds'].split('|')[-4:-1]] == ['37.00', '36.00 - 38.00', 'winner']
    assert '≈ winner' in rows['best_fold']
    assert table.endswith('≈ winner: the difference to the winner, image by image, may as well be 0.')


def test_without_intervals_nothing_is_said_of_them(folder):
    chart = candidate_dots(read_recipe(folder))
    assert 'bootstrap' not in chart.caption
    assert '≈' not in chart.caption
    rows = rows_of(chart, 'slot')
    assert rows and all(row['low'] is None for row in rows)


@pytest.fixture
def repeated(folder):
    for seed in (43, 44):
        copy = write_recipe(folder / f'seed{seed}', stages=2 if seed == 44 else 3, classes=['road', 'sky'])
        for path in copy.glob('stage*/f*.json'):
            write_json({**read_json(path), 'seed': seed}, path)
        path = copy / 'stage2' / 'stage.json'
        outcome = read_json(path)
        outcome['candidates']['all_folds']['val']['mIoU'] += seed - 42
        write_json(outcome, path)
    return folder


def test_repeats_are_drawn_with_mean_and_deviation(repeated):
    (chart,) = repeat_dots(read_repeats(repeated))
    rows = {(row['series'], row['stage']): row for row in rows_of(chart, 'slot')}
    assert [rows[f'seed {seed}', '2']['y'] for seed in (42, 43, 44)] == [37.0, 38.0, 39.0]
    assert (rows['mean', '2']['low'], rows['mean', '2']['y'], rows['mean', '2']['high']) == (37.0, 38.0, 39.0)
    assert ('seed 44', '3') not in rows
    assert repeat_dots(read_repeats(repeated)[:1]) == []


def test_the_page_shows_the_repeats(repeated, no_script):
    recipe, records = read_recipe(repeated), read_repeats(repeated)
    page = render_page(recipe, records, None, repeat_dots(records), {'repeats': []}, [])
    assert 'Over 2 seeds the winner of stage 3 reaches 39.00 ± 0.00 mIoU on val.' in page
    assert '<td>37.00, 38.00, 39.00</td>' in page
    assert 'the-repeats' not in render_page(recipe, records[:1], None, [], {}, [])


def test_a_path_has_the_interval_of_every_point(folder):
    add_path(folder, 2, VALLEY)
    (line,) = rows_of(path_chart(read_recipe(folder))[0], 'dashed')
    assert line['x'] == [0, 0.25, 0.75, 1, 1.25]
    assert (line['low'], line['high']) == ([33.0, 29.0, 35.0, 36.0, 35.0], [35.0, 31.0, 37.0, 38.0, 37.0])
