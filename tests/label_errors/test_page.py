"""The page in a real browser, and what is beside it."""

import json
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest

from mmseg_custom.evaluation.kept_predictions import Index, KeptPredictions, Maps
from mmseg_custom.io.files import read_json
from mmseg_custom.label_errors.files import write_coco, write_tables
from mmseg_custom.label_errors.page import Page
from mmseg_custom.label_errors.search import Search
from mmseg_custom.label_errors.verdicts import read_verdicts

CHROMIUM = shutil.which('chromium')
PATIENCE = 120_000
LOCAL = ('file:', 'blob:file:', 'blob:null')
HOSTILE = '</script><img src=x onerror=alert(1)>'
CLASSES = ['sky', HOSTILE, 'tree']


@pytest.fixture
def found(tmp_path):
    """Three images of sky, in each of which one block is another class for sure; the last image cannot be read."""
    kept = KeptPredictions(tmp_path / 'kept')
    names = ['a', 'b', 'c']
    for number, name in enumerate(names):
        label, best = np.zeros((60, 80), np.uint8), np.full((60, 80), 250, np.uint8)
        classes, given = label.copy(), best.copy()
        block = (slice(10, 30), slice(20, 30 + 10 * number))
        classes[block], given[block] = 1 + number % 2, 5 * number
        image = tmp_path / f'{name}.png'
        if name != 'c':
            cv2.imwrite(str(image), np.full((60, 80, 3), 50, np.uint8))
        counts = [[0, 0, int((classes == 0).sum())], [0, 1 + number % 2, int((classes > 0).sum())]]
        kept.write(
            Maps(label, classes, given, best),
            **dict(name=name, image=str(image), label='', made_of={}, predicted_by='fold1', seen=False),
            **dict(counts=counts, probability_sums=[given.sum() / 255, 0.0, 0.0], quality=0.1 * (3 - number)),
        )
    index = Index(CLASSES, [[0, 0, 255], [255, 0, 0], [0, 255, 0]], names, {'a': 'one', 'b': 'two', 'c': 'two'})
    return kept, index, tmp_path / 'found'


def look(found, verdicts=None, most=100):
    kept, index, folder = found
    errors = Search(0, 50).run(kept, index.names, lambda name, classes: _keep(folder, name, classes))
    write_tables(errors, index, verdicts or {}, folder)
    write_coco(errors, index, folder)
    return errors, Page(kept, index, folder).write('My run', 'Facts.', errors, verdicts or {}, most)


def _keep(folder, name, classes):
    path = folder / 'suggestions' / f'{name}.png'
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), classes)


def test_the_surest_component_comes_first_and_the_worst_image(found):
    errors, _ = look(found)
    assert [(one.image, one.pixels) for one in errors.components] == [('a', 200), ('b', 400), ('c', 600)]
    assert [one.score for one in errors.components] == pytest.approx([251, 251 / 6, 251 / 11])
    assert [image.record.name for image in errors.images] == ['c', 'b', 'a']
    assert errors.pixels == 1200


def test_coco_has_what_a_tool_imports(found):
    look(found)
    content = read_json(found[2] / 'components.coco.json')
    annotation = content['annotations'][0]
    assert [kind['name'] for kind in content['categories']] == CLASSES
    assert annotation['bbox'] == [20, 10, 10, 20] and annotation['area'] == 200 and annotation['category_id'] == 2
    assert annotation['segmentation'] == [[20, 10, 20, 29, 29, 29, 29, 10]]
    image = next(image for image in content['images'] if image['id'] == annotation['image_id'])
    assert image == {'id': annotation['image_id'], 'file_name': 'a.png', 'height': 60, 'width': 80}


def test_crops_are_few_and_those_of_before_are_gone(found):
    look(found)
    crops = found[2] / 'crops'
    assert len(list(crops.iterdir())) == 4 * (3 + 3)
    shown = cv2.imread(str(crops / 'component1_difference.jpg'))
    assert shown.shape == (270, 360, 3)
    assert shown[90, 112].tolist() == pytest.approx([0, 94, 213], abs=12)
    look(found, most=1)
    assert len(list(crops.iterdir())) == 4 * 2


@pytest.fixture
def page(found):
    playwright = pytest.importorskip('playwright.sync_api', reason='playwright is not installed')
    if CHROMIUM is None:
        pytest.skip('there is no chromium')
    with playwright.sync_playwright() as api:
        browser = api.chromium.launch(executable_path=CHROMIUM, args=['--no-sandbox'])
        page = browser.new_page(viewport={'width': 390, 'height': 800})
        page.faults = []
        page.on('console', lambda message: page.faults.append(message.text))
        page.on('pageerror', lambda error: page.faults.append(str(error)))
        page.on('requestfailed', lambda request: page.faults.append(request.url))
        page.on(
            'request', lambda request: None if request.url.startswith('file:') else page.faults.append(request.url)
        )
        page.set_default_timeout(PATIENCE)
        yield page
        browser.close()


def test_labels_are_judged_by_keys_and_the_verdicts_are_read_again(page, found, tmp_path):
    errors, path = look(found, {'b:0>2:20,10,20,20': 'unsure'})
    page.goto(path.as_uri())
    assert page.locator('article').count() == 3
    assert page.evaluate('document.documentElement.scrollWidth') <= 390
    page.wait_for_function('document.querySelector("article img").naturalWidth == 360')
    assert page.locator('#progress').inner_text() == '1 of 3 judged: 0 wrong, 0 right, 1 unsure'
    for key in 'wjru':  # Wrong, past the second one, right; unsure then takes its place: there is no fourth.
        page.keyboard.press(key)
    assert page.locator('#progress').inner_text() == '3 of 3 judged: 1 wrong, 0 right, 2 unsure'
    page.locator('article').nth(1).locator('button', has_text='right').click()
    with page.expect_download() as download:
        page.click('#save')
    download.value.save_as(tmp_path / 'verdicts.json')
    keys = [one.key for one in errors.components]
    assert read_verdicts(tmp_path / 'verdicts.json') == dict(zip(keys, ('wrong', 'right', 'unsure'), strict=True))
    page.check('#open')
    assert page.locator('article').count() == 0
    page.uncheck('#open')
    page.select_option('#pair', f'sky → {HOSTILE}')
    assert page.locator('article b').all_text_contents() == [f'{n}. sky, rather {HOSTILE}?' for n in (1, 3)]
    page.select_option('#pair', '')
    page.select_option('#group', 'two')
    assert page.locator('article b').all_text_contents() == ['2. sky, rather tree?', f'3. sky, rather {HOSTILE}?']
    page.fill('#least', '500')
    page.keyboard.press('Tab')
    assert page.locator('article').count() == 1
    page.select_option('#group', '')
    page.fill('#least', '0')
    page.keyboard.press('Tab')
    page.select_option('#what', 'images')
    assert page.locator('article b').all_text_contents() == ['1. c', '2. b', '3. a']
    page.keyboard.press('w')
    assert page.locator('#progress').inner_text() == '1 of 3 judged: 1 wrong, 0 right, 0 unsure'
    assert page.evaluate('verdicts.c') == 'wrong'
    assert page.faults == []


def test_a_closer_look_has_a_slider_and_zooms_and_takes_verdicts(page, found):
    _, path = look(found)
    page.goto(path.as_uri())
    page.locator('article').nth(1).locator('img[alt=difference]').click()
    source = 'document.getElementById("{}").getAttribute("src")'
    assert page.evaluate(source.format('over')) == 'crops/component2_label.jpg'
    assert page.evaluate(source.format('under')) == 'crops/component2_difference.jpg'
    page.select_option('#left', 'image')
    assert page.evaluate(source.format('over')) == 'crops/component2_image.jpg'
    width = page.locator('#stage').bounding_box()['width']
    page.locator('#wipe').fill('25')
    clip = 'document.getElementById("over").style.clipPath.match(/[0-9.]+px/g)[1]'
    assert float(page.evaluate(clip)[:-2]) == pytest.approx(0.75 * width, abs=1)
    page.locator('#stage').hover()
    page.mouse.wheel(0, -100)
    transform = 'document.getElementById("under").style.transform'
    assert 'scale(1.2)' in page.evaluate(transform) == page.evaluate(transform.replace('under', 'over'))
    page.keyboard.press('w')  # The verdict, and on to the third one, from its whole.
    assert page.evaluate(source.format('over')) == 'crops/component3_image.jpg'
    assert 'scale(1)' in page.evaluate(transform)
    page.keyboard.press('z')
    assert not page.locator('#viewer').is_visible()
    assert page.locator('#progress').inner_text() == '1 of 3 judged: 1 wrong, 0 right, 0 unsure'
    assert page.faults == []


def test_a_page_of_nothing_is_a_page(found):
    kept, index, folder = found
    errors = Search(0, 10_000).run(kept, index.names, lambda name, classes: _keep(folder, name, classes))
    path = Page(kept, index, folder).write('Nothing', '', errors, {}, 0)
    data = Path(path).read_text().partition('id="data">')[2].partition('</script>')[0]
    assert json.loads(data)['components'] == [] and errors.components == []
