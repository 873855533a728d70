"""What README and docs tell a user to type must be understood by the tools, and name configs that exist."""

import importlib
import re
import sys
from pathlib import Path

import pytest
from documented import PAGES, ROOT, calls, documented_commands

from mmseg_custom.plan_file import plan_of

LINK = re.compile(r'\]\(([^)#:]*)(?:#([^)]*))?\)')
LINKING_PAGES = [*PAGES, ROOT / 'CONTRIBUTING.md']
PARSERS = {'kfold': 'mmseg_kfold'}  # Modules whose arguments are read by another one.
PYTHON_CALLS = [words for command in documented_commands() for words in calls(command) if words[0].endswith('.py')]


@pytest.mark.parametrize('words', PYTHON_CALLS, ids=lambda words: ' '.join(words)[:60])
def test_documented_command_is_understood(words, monkeypatch):
    tool, *arguments = words
    monkeypatch.chdir(ROOT)
    monkeypatch.syspath_prepend(str(ROOT / 'tools'))
    monkeypatch.setattr(sys, 'argv', words)
    monkeypatch.delitem(sys.modules, Path(tool).stem, raising=False)
    name = Path(tool).stem
    importlib.import_module(PARSERS.get(name, name)).parse_args()
    for argument in arguments:
        if argument.startswith('configs') and '=' not in argument:
            assert (ROOT / argument).exists() or plan_of(ROOT / argument), f'{argument} of {words!r} does not exist'


def test_commands_are_found():
    commands = set(documented_commands())
    assert len(commands) >= 35 and len(PYTHON_CALLS) >= 45
    some = {'make quickstart', 'tools/report.py work_dirs/<recipe>', 'tools/run_recipe.py configs/camvid.py'}
    assert some <= commands


def test_brackets_are_left_out_or_taken_one_at_a_time():
    assert [' '.join(words) for words in calls('tools/x.py [CONFIG] FOLDER [--size [one|two]] --out DIR')] == [
        'tools/x.py configs/streets.py --out out',
        'tools/x.py configs/streets_stage2.py configs/streets.py --out out',
        'tools/x.py configs/streets.py --size --out out',
        'tools/x.py configs/streets.py --size one --out out',
        'tools/x.py configs/streets.py --size two --out out',
    ]


@pytest.mark.parametrize('page', LINKING_PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    broken = [
        (link, anchor)
        for link, anchor in LINK.findall(page.read_text(encoding='utf-8'))
        if not _leads(page.parent / link if link else page, anchor)
    ]
    assert not broken


def _leads(target, anchor):
    return target.exists() and (not anchor or anchor in anchors(target))


def anchors(page):
    """The anchors of a page as GitHub makes them of its headings."""
    headings = re.findall(r'^#+ (.*)$', page.read_text(encoding='utf-8'), flags=re.MULTILINE)
    return {re.sub(r'[^\w\- ]', '', heading.lower()).replace(' ', '-') for heading in headings}


def test_contributing_names_files_that_exist():
    """Files are named from the package, and behind a comma from the folder of the one before."""
    text = (ROOT / 'CONTRIBUTING.md').read_text(encoding='utf-8')
    names = re.findall(r'`([\w/]+\.py)`', text)
    assert len(names) >= 15
    known = {path.name for path in (ROOT / 'mmseg_custom').rglob('*.py')}
    found = {name for name in names if (ROOT / 'mmseg_custom' / name).exists() or (ROOT / name).exists()}
    assert not [name for name in names if name not in found | known]


def test_every_page_is_in_the_index():
    index = (ROOT / 'docs/README.md').read_text(encoding='utf-8')
    pages = {str(page.relative_to(ROOT / 'docs')) for page in PAGES[1:]} - {'README.md'}
    assert pages == {link for link, _ in LINK.findall(index) if link.endswith('.md') and not link.startswith('..')}


def test_pages_are_short():
    """A newcomer reads a page at one sitting; logs and the table of messages are looked things up in."""
    lines = {str(page.relative_to(ROOT)): len(page.read_text(encoding='utf-8').splitlines()) for page in PAGES}
    assert {name for name, count in lines.items() if count > 110} <= {'docs/lab.md', 'docs/troubleshooting.md'}
