import json
import math

import pytest
from made_up_recipe import add_path, write_recipe

from mmseg_custom.io.files import read_json, write_json
from mmseg_custom.ledger.stage_ledger import StageLedger
from mmseg_custom.reports import recipe_table
from mmseg_custom.reports.charts.candidate_charts import candidate_bars, path_chart, repeat_bars
from mmseg_custom.reports.charts.kinds import Bars
from mmseg_custom.reports.drawing.matplotlib_figures import draw
from mmseg_custom.reports.drawing.plotly_figures import plotly_figure
from mmseg_custom.reports.findings.loss_barrier import describe_loss_barriers, find_paths
from mmseg_custom.reports.findings.recipe_record import read_recipe
from mmseg_custom.reports.findings.repeats import read_repeats
from mmseg_custom.reports.page import render_page

NAN = math.nan
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
    assert path_chart(read_recipe(folder))[0].title == f'From initial weights to average, mIoU on val in %: {verdict}'


def test_stages_with_a_loss_barrier_are_named_and_batch_norm_has_its_own_line(folder):
    add_path(folder, 2, FLAT)
    add_path(folder, 3, VALLEY)
    add_path(folder, 3, {t: value for t, value in DIP.items() if t}, bn='_bn')
    found = paths_of(folder)
    assert describe_loss_barriers(found) == 'a loss barrier in stage 3'
    assert [path.name for path in found] == ['stage 2', 'stage 3', 'stage 3, batch norm anew']
    assert found[2].points[0] == (0, 34.0)
    assert [line.dashed for line in path_chart(read_recipe(folder))[0].lines] == [False, False, True]
    assert describe_loss_barriers([found[0], found[2]]) == 'no sure loss barrier'


def test_without_points_there_is_no_path(folder):
    assert path_chart(read_recipe(folder)) == []


def test_whiskers_reach_from_the_bar_to_the_ends_and_marks_stand_above():
    bars = Bars('one', 'black', [30.0, NAN, 50.0], ['a', '', 'b'], intervals=[(28.0, 33.0), (NAN, NAN), (NAN, NAN)])
    assert bars.whiskers() == [[2.0, 0.0, 0.0], [3.0, 0.0, 0.0]]
    assert bars.tops()[::2] == [33.0, 50.0]


def test_intervals_and_candidates_that_may_equal_the_winner_are_shown(folder):
    add_path(folder, 2, FLAT)
    chart = candidate_bars(read_recipe(folder))
    series = {bars.name: bars for bars in chart.series}
    assert series.keys() == {'best fold', 'all folds', 'top2', 'full'}
    assert series['all folds'].intervals[1] == (36.0, 38.0)
    assert (series['all folds'].marks, series['best fold'].marks) == (['', '★', '★'], ['', '≈', ''])
    assert '95 % bootstrap intervals' in chart.caption
    assert '≈: the difference to the winner' in chart.caption
    table = recipe_table({2: StageLedger(folder / 'stage2')})
    rows = {line.split('|')[2].split()[0]: line for line in table.splitlines() if line.count('|') > 8}
    assert [cell.strip() for cell in rows['all_folds'].split('|')[-4:-1]] == ['37.00', '36.00 - 38.00', 'winner']
    assert '≈ winner' in rows['best_fold']
    assert table.endswith('≈ winner: the difference to the winner, image by image, may as well be 0.')


def test_without_intervals_nothing_is_said_of_them(folder):
    chart = candidate_bars(read_recipe(folder))
    assert 'bootstrap' not in chart.caption
    assert '≈' not in chart.caption
    assert not any(sum(sum(side) for side in bars.whiskers()) for bars in chart.series)


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
    (chart,) = repeat_bars(read_repeats(repeated))
    assert [bars.name for bars in chart.series] == ['seed 42', 'seed 43', 'seed 44']
    assert [bars.values[1] for bars in chart.series] == [37.0, 38.0, 39.0]
    assert chart.means[1] == (38.0, 1.0)
    assert math.isnan(chart.series[2].values[2])
    assert repeat_bars(read_repeats(repeated)[:1]) == []


def test_the_page_shows_the_repeats(repeated):
    recipe, records = read_recipe(repeated), read_repeats(repeated)
    page = render_page(recipe, records, None, repeat_bars(records), {'repeats': []}, [])
    assert 'Over 2 seeds the winner of stage 3 reaches 39.00 ± 0.00 mIoU on val.' in page
    assert '<td>37.00, 38.00, 39.00</td>' in page
    assert 'the-repeats' not in render_page(recipe, records[:1], None, [], {}, [])


def test_both_libraries_draw_bands_whiskers_and_marks(repeated):
    objects = pytest.importorskip('plotly.graph_objects', reason='plotly is not installed')
    add_path(repeated, 2, VALLEY)
    recipe = read_recipe(repeated)
    for chart in (candidate_bars(recipe), *path_chart(recipe), *repeat_bars(read_repeats(repeated))):
        figure = plotly_figure(chart)
        objects.Figure(figure['data'], figure['layout'])
        json.dumps(figure, allow_nan=False)
        assert set(draw(chart)) == {chart.name}
    (path,) = path_chart(recipe)
    band = plotly_figure(path)['data'][1]
    assert band['x'] == [0, 0.25, 0.75, 1, 1.25, 1.25, 1, 0.75, 0.25, 0]
    assert band['y'][:2] + band['y'][-2:] == [33.0, 29.0, 31.0, 35.0]
    axes = draw(path)['path'].axes[0]
    assert len(axes.collections) == 1
    assert axes.get_xlabel() == 'position on the path'
