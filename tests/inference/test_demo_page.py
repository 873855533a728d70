import shutil
import sys
import threading
import zlib
from contextlib import contextmanager, nullcontext

import cv2
import numpy as np
import pytest
from inference_kit import LABELS, StripesNetwork, stripes_predictor
from PIL import Image

from mmseg_custom.inference import demo_upload
from mmseg_custom.inference.demo_page import area_table, build_page
from mmseg_custom.inference.demo_upload import read_upload
from mmseg_custom.inference.errors import InputError

EVIL = '<img src=x onerror="window.attacked=1">${window.attacked=1}'
CHROMIUM = shutil.which('chromium')


def test_upload_is_read_by_its_content(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (6, 9, 3), np.uint8)
    for suffix in ('.png', '.bmp'):
        cv2.imwrite(str(tmp_path / f'x{suffix}'), pixels)
        assert np.array_equal(read_upload(str(tmp_path / f'x{suffix}')), pixels)
    for suffix in ('.jpg', '.webp'):
        cv2.imwrite(str(tmp_path / f'x{suffix}'), pixels)
        assert read_upload(str(tmp_path / f'x{suffix}')).shape == (6, 9, 3)


def bomb(path):
    """A PNG of a few bytes whose header declares too many pixels."""
    cv2.imwrite(str(path), np.zeros((1, 1), np.uint8))
    content = bytearray(path.read_bytes())
    content[16:24] = (6325).to_bytes(4, 'big') * 2  # 40,005,625 pixels
    content[29:33] = zlib.crc32(content[12:29]).to_bytes(4, 'big')
    path.write_bytes(content)


def test_what_is_no_small_picture_is_refused_without_its_name(tmp_path):
    path = tmp_path / '<b>.png'
    Image.new('L', (8, 8)).save(path, 'TIFF')
    with pytest.raises(InputError, match='no picture of a known kind') as refused:
        read_upload(str(path))
    assert '<b>' not in str(refused.value)
    bomb(path)
    with pytest.raises(InputError, match='40 megapixels, 40 are allowed'):
        read_upload(str(path))
    Image.effect_noise((64, 64), 50).save(path)
    path.write_bytes(path.read_bytes()[:600])
    with pytest.raises(InputError, match='broken'):
        read_upload(str(path))


def test_the_largest_picture_is_taken_and_one_column_more_is_not(tmp_path, monkeypatch):
    monkeypatch.setattr(demo_upload, 'MAX_PIXELS', 54)
    for width, taken in ((9, True), (10, False)):
        cv2.imwrite(str(tmp_path / 'x.png'), np.zeros((6, width, 3), np.uint8))
        with nullcontext() if taken else pytest.raises(InputError, match='megapixels'):
            assert read_upload(str(tmp_path / 'x.png')).shape == (6, width, 3)


def test_table_is_sorted_and_its_names_are_escaped():
    labels = LABELS._replace(classes=('road', EVIL))
    table = area_table(np.uint8([[1, 1, 1, 0]]), labels)
    assert table.index('75.0 %') < table.index('25.0 %')
    assert '<img' not in table and '&lt;img' in table
    assert 'road' not in area_table(np.uint8([[1]]), labels)


@contextmanager
def launched(tmp_path, monkeypatch):
    """The page on a free port, and the addresses that the process connects to meanwhile."""
    pytest.importorskip('gradio', reason='needs the extra [demo]')
    monkeypatch.setenv('GRADIO_TEMP_DIR', str(tmp_path / 'uploads'))
    predictor = stripes_predictor()
    predictor.network = StripesNetwork([0.0, 1.0])
    predictor.labels = LABELS._replace(classes=('road', EVIL))
    connected = watch_connections()
    page, options = build_page([EVIL, 'other'], lambda name: predictor)
    _, address, _ = page.launch(server_name='127.0.0.1', prevent_thread_lock=True, **options)
    try:
        yield address, connected
    finally:
        page.close()


def watch_connections():
    connected = []

    def hook(event, arguments):
        if event == 'socket.connect' and isinstance(arguments[1], tuple):
            connected.append(arguments[1][0])

    sys.addaudithook(hook)
    return connected


def assert_local(hosts):
    assert hosts and set(hosts) <= {'127.0.0.1', 'localhost', '::1', '0.0.0.0'}, set(hosts)


@contextmanager
def browser_page(address):
    playwright = pytest.importorskip('playwright.sync_api', reason='needs playwright')
    if CHROMIUM is None:
        pytest.skip('needs chromium')
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=['--no-sandbox'])
        page = browser.new_page()
        page.asked, page.faults = [], []
        page.on('request', lambda request: page.asked.append(request.url))
        page.on('pageerror', lambda error: page.faults.append(str(error)))
        page.on('console', lambda message: message.type == 'error' and page.faults.append(message.text))
        page.goto(address)
        yield page
        browser.close()


def in_a_thread(function, *arguments):
    """Playwright's synchronous interface wants a thread without an event loop."""
    raised = []

    def call():
        try:
            function(*arguments)
        except BaseException as error:
            raised.append(error)

    thread = threading.Thread(target=call)
    thread.start()
    thread.join()
    if raised:
        raise raised[0]


def use_the_page(address, picture, broken):
    with browser_page(address) as page:
        shown = page.locator('#prediction img')
        page.set_input_files('input[type=file]', picture)
        page.wait_for_selector('.areas tr')
        assert page.locator('.areas tr').count() == 1 and '100.0 %' in page.inner_text('.areas')
        before = shown.get_attribute('src')
        page.locator('input[type=range]').fill('1')
        page.wait_for_function('before => document.querySelector("#prediction img").src != before', arg=before)
        painted = page.evaluate("""async () => {
            const image = document.querySelector('#prediction img'); await image.decode()
            const canvas = document.createElement('canvas'); canvas.getContext('2d').drawImage(image, 0, 0)
            return [...canvas.getContext('2d').getImageData(5, 5, 1, 1).data].slice(0, 3)}""")
        assert painted == pytest.approx(LABELS.palette[1], abs=4)
        page.get_by_label('Remove Image').click()
        page.wait_for_selector('.areas tr', state='detached')
        page.set_input_files('input[type=file]', broken)
        page.get_by_text('broken').wait_for()
        assert page.evaluate('window.attacked') is None
        assert page.faults == []
        hosts = {url.split('/')[2].split(':')[0] for url in page.asked if url.startswith(('http', 'ws'))}
        assert_local(hosts)


def test_in_the_browser(tmp_path, monkeypatch):
    picture, broken = tmp_path / 'x.png', tmp_path / '<b onclick=alert(1)>.png'
    cv2.imwrite(str(picture), np.full((40, 60, 3), 128, np.uint8))
    Image.effect_noise((64, 64), 50).save(broken)
    broken.write_bytes(broken.read_bytes()[:600])
    with launched(tmp_path, monkeypatch) as (address, connected):
        in_a_thread(use_the_page, address, picture, broken)
        assert_local(connected)


def test_server_reads_uploads_alone(tmp_path, monkeypatch):
    with launched(tmp_path, monkeypatch) as (address, connected):
        httpx = pytest.importorskip('httpx')
        secret = tmp_path / 'secret.png'
        cv2.imwrite(str(secret), np.zeros((4, 4, 3), np.uint8))
        with httpx.Client(base_url=address, trust_env=False) as client:
            events = client.get('config').json()['dependencies']
            for path in (str(secret), 'http://93.184.216.34/x.png', '../../secret.png'):
                data = [{'path': path, 'meta': {'_type': 'gradio.FileData'}}, 'other', 0.5]
                body = {'data': data, 'fn_index': events[0]['id'], 'session_hash': 'test'}
                client.post('gradio_api/queue/join', json=body)
                stream = client.get('gradio_api/queue/data', params={'session_hash': 'test'}, timeout=30).text
                assert '"success":false' in stream and 'process_completed' in stream, stream
            assert client.get(f'gradio_api/file={secret}').status_code == 403
        assert_local(connected)
