import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def test_installing_brings_no_host_of_its_own():
    text = (ROOT / 'setup.py').read_text()
    required = re.search(r'install_requires=\[(.*?)\]', text, re.DOTALL).group(1)
    assert 'numpy' in required
    assert not re.search(r'torch|mmcv|mmengine|mmseg', required)


def test_extras_and_lock_file_agree():
    extras = re.search(r'ONEDL = \[(.*?)\]', (ROOT / 'setup.py').read_text()).group(1)
    locked = (ROOT / 'requirements.txt').read_text().splitlines()
    pinned = [name.strip(" '") for name in extras.split(',')]
    assert len(pinned) == 4
    assert set(pinned) <= set(locked)
