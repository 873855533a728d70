"""The page in a real browser."""

import re
import shutil

import pytest
from made_up_recipe import CITYSCAPES, write_examination, write_recipe

from mmseg_custom.reports import write_report

CHROMIUM = shutil.which('chromium')
HOSTILE = ['<script>document.title="broken"</script>', '</script><img src=x onerror=alert(1)>', "'&quot;<b>bold"]
MEGABYTE = 10**6
PATIENCE = 120_000  # milliseconds, on a machine that does other things
CLASSES = CITYSCAPES[:5]
POINTS = '#curve_mIoU .mark-symbol.role-mark path'
COUNT = f'count => document.querySelectorAll("{POINTS}").length == count'


@pytest.fixture(scope='module')
def browser():
    playwright = pytest.importorskip('playwright.sync_api', reason='playwright is not installed')
    if CHROMIUM is None:
        pytest.skip('there is no chromium')
    with playwright.sync_playwright() as api:
        browser = api.chromium.launch(executable_path=CHROMIUM, args=['--no-sandbox'])
        yield browser
        browser.close()


@pytest.fixture
def open_page(browser):
    """A function that opens a report and waits for its first figure; errors and requests are in ``page.faults``."""
    pages = []

    def open_page(path, width=1280, height=900):
        page = browser.new_page(viewport={'width': width, 'height': height})
        pages.append(page)
        page.faults = []
        page.on('console', lambda message: page.faults.append(message.text) if message.type != 'log' else None)
        page.on('pageerror', lambda error: page.faults.append(str(error)))
        page.on('request', lambda request: page.faults.append(request.url) if foreign(request.url) else None)
        page.goto(path.as_uri(), timeout=PATIENCE)
        reveal(page, 'plan')
        return page

    def foreign(url):
        return not url.startswith(('data:', 'blob:', 'file:'))

    yield open_page
    for page in pages:
        page.close()


def reveal(page, name):
    """Scroll a figure into view; returns its chart when it is drawn."""
    page.locator(f'#{name}').evaluate('figure => figure.scrollIntoView()')
    return page.wait_for_selector(f'#{name}.drawn .view[data-shown=true] .chart svg', timeout=PATIENCE)


@pytest.fixture(scope='module')
def report(tmp_path_factory):
    folder = write_recipe(tmp_path_factory.mktemp('small') / 'made_up', classes=CLASSES)
    write_examination(folder, '2all_folds', CLASSES)
    return write_report(folder)


def test_the_page_is_small_beside_its_pictures(report):
    text = re.sub(r'src="data:[^"]*"', '', report.read_text())
    assert 'vegaEmbed' in text
    assert len(text.encode()) < 1.5 * MEGABYTE


@pytest.mark.parametrize('width', [1280, 390])
def test_every_figure_is_drawn_when_scrolled_to_and_nothing_sticks_out(report, open_page, width):
    page = open_page(report, width)
    names = [figure.get_attribute('id') for figure in page.query_selector_all('figure[id]')]
    assert len(names) == 14
    assert not page.query_selector('#frequency.drawn')
    for name in names:
        before = page.locator(f'#{name}').bounding_box()['height']
        box = reveal(page, name).bounding_box()
        assert box['width'] > 200 and box['height'] > 80, name
        # What is read below does not jump; a legend may take more lines on a telephone.
        assert page.locator(f'#{name}').bounding_box()['height'] == pytest.approx(before, abs=45), name
    assert page.evaluate('document.documentElement.scrollWidth') <= width
    assert page.faults == []


def test_a_press_in_the_legend_hides_a_series_and_shows_it_again(report, open_page):
    page = open_page(report)
    reveal(page, 'curve_mIoU')

    fold2 = page.locator('#curve_mIoU .role-legend-label text', has_text='fold2')
    everything = page.locator(POINTS).count()
    fold2.click()
    page.wait_for_function(COUNT, arg=everything - 4)  # a point for each epoch of the only stage with this fold
    fold2.click()
    page.wait_for_function(COUNT, arg=everything)
    assert page.faults == []


def test_a_pointer_shows_the_value(report, open_page):
    page = open_page(report)
    reveal(page, 'folds_val')
    page.locator('#folds_val .mark-symbol.role-mark path').nth(2).hover()
    tip = page.wait_for_selector('#vg-tooltip-element.visible').inner_text()
    assert re.sub(r'\s+', ' ', tip).startswith('model fold2 stage 2 mIoU on val in % 35.00')


def test_every_figure_is_drawn_at_once_where_nothing_tells_what_is_in_view(report, browser):
    page = browser.new_page()
    page.add_init_script('delete window.IntersectionObserver')
    page.goto(report.as_uri(), timeout=PATIENCE)
    page.wait_for_function("document.querySelectorAll('figure[id].drawn').length == 14", timeout=PATIENCE)
    page.close()


def test_table_sorts_on_click(report, open_page):
    page = open_page(report)

    def column(number):
        cells = page.query_selector_all(f'#class-table tbody td:nth-child({number})')
        return [cell.get_attribute('data-value') for cell in cells]

    assert column(1) == CLASSES
    page.click('#class-table th:nth-child(2) button')
    falling = [float(value) for value in column(2)]
    assert falling == sorted(falling, reverse=True)
    page.click('#class-table th:nth-child(2) button')
    assert [float(value) for value in column(2)] == falling[::-1]
    page.click('#class-table th:nth-child(1) button')
    assert column(1) == sorted(CLASSES)


def test_slider_moves_between_image_and_prediction(report, open_page):
    page = open_page(report, 390)
    over, slider = page.locator('.compare .over').first, page.locator('.pair input').first
    before = over.evaluate('node => getComputedStyle(node).clipPath')
    slider.fill('80')
    assert '80%' in over.evaluate('node => getComputedStyle(node).clipPath') != before


def test_confusion_matrix_is_toggled(report, open_page):
    page = open_page(report)
    reveal(page, 'confusion')
    views = page.locator('#confusion .view')
    assert [view.is_visible() for view in views.all()] == [True, False]
    page.click('#confusion [data-view="1"]')
    page.wait_for_selector('#confusion .view:nth-child(2) .chart svg')
    assert [view.is_visible() for view in views.all()] == [False, True]
    assert page.get_attribute('#confusion [data-view="1"]', 'aria-pressed') == 'true'


def test_print_shows_the_picture_of_every_figure_drawn_or_not(report, open_page):
    page = open_page(report)
    reveal(page, 'confusion')
    page.emulate_media(media='print')
    figures = page.locator('figure[id]')
    pictures = figures.locator('img.picture')
    assert (figures.count(), pictures.count()) == (14, 15)  # the confusion matrix has two
    for picture in pictures.all():
        box = picture.bounding_box()
        assert box and box['width'] > 200 and box['height'] > 80
        assert picture.evaluate('picture => picture.complete && picture.naturalWidth > 0')
    assert not any(chart.is_visible() for chart in page.locator('.chart').all())


def test_names_from_data_are_text_never_code(tmp_path, open_page, no_pictures):
    folder = write_recipe(tmp_path / '<img src=x onerror=alert(1)>', classes=HOSTILE)
    write_examination(folder, '2all_folds', HOSTILE)
    page = open_page(write_report(folder))
    assert page.title() == '<img src=x onerror=alert(1)>: report'
    reveal(page, 'classes')
    labels = page.locator('#classes .role-axis-label text').all_text_contents()
    shown = [label.rstrip('…') for label in labels]  # long names are cut
    assert all(any(name.startswith(label) for label in shown if label) for name in HOSTILE)
    page.locator('#classes .mark-rect.role-mark path').first.hover()
    assert page.wait_for_selector('#vg-tooltip-element.visible').inner_html().count('<img') == 0
    assert page.locator('#class-table td:first-child').all_text_contents() == HOSTILE
    assert page.faults == []
