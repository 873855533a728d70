"""What README and docs tell a user to type must be understood by the tools, and name configs that exist."""

import importlib
import re
import sys
from pathlib import Path

import pytest
from documented import PAGES, ROOT, calls, documented_commands

LINK = re.compile(r'\]\(([^)#:]+)\)')
PYTHON_CALLS = [words for command in documented_commands() for words in calls(command) if words[0].endswith('.py')]


@pytest.mark.parametrize('words', PYTHON_CALLS, ids=lambda words: ' '.join(words)[:60])
def test_documented_command_is_understood(words, monkeypatch):
    tool, *arguments = words
    monkeypatch.chdir(ROOT)
    monkeypatch.syspath_prepend(str(ROOT / 'tools'))
    monkeypatch.setattr(sys, 'argv', words)
    monkeypatch.delitem(sys.modules, Path(tool).stem, raising=False)
    importlib.import_module(Path(tool).stem).parse_args()
    for argument in arguments:
        if argument.startswith('configs') and '=' not in argument:
            assert (ROOT / argument).exists(), f'{argument} of {words!r} does not exist'


def test_commands_are_found():
    commands = set(documented_commands())
    assert len(commands) >= 35 and len(PYTHON_CALLS) >= 45
    some = {'make quickstart', 'tools/report.py work_dirs/<recipe>', 'tools/run_recipe.py configs/camvid'}
    assert some <= commands


def test_brackets_are_left_out_or_taken_one_at_a_time():
    assert [' '.join(words) for words in calls('tools/x.py [CONFIG] FOLDER [--size [one|two]] --out DIR')] == [
        'tools/x.py configs/streets --out out',
        'tools/x.py configs/streets/streets_stage2.py configs/streets --out out',
        'tools/x.py configs/streets --size --out out',
        'tools/x.py configs/streets --size one --out out',
        'tools/x.py configs/streets --size two --out out',
    ]


@pytest.mark.parametrize('page', PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    broken = [link for link in LINK.findall(page.read_text(encoding='utf-8')) if not (page.parent / link).exists()]
    assert not broken
