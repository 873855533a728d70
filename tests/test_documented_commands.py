"""What README and docs tell a user to type must be understood by the tools, and name configs that exist."""

import importlib
import re
import shlex
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PAGES = [ROOT / 'README.md', *sorted((ROOT / 'docs').glob('*.md'))]
LINK = re.compile(r'\]\(([^)#:]+)\)')


def documented_commands():
    for page in PAGES:
        text = page.read_text(encoding='utf-8').replace('\\\n', ' ')
        for line in re.findall(r'^    (?:python )(tools/\w+\.py .+)$', text, flags=re.MULTILINE):
            yield pytest.param(line.split('  #')[0], id=f'{page.name}: {line[:60]}')


@pytest.mark.parametrize('command', documented_commands())
def test_documented_command_is_understood(command, monkeypatch):
    tool, *arguments = shlex.split(command)
    monkeypatch.chdir(ROOT)
    monkeypatch.syspath_prepend(str(ROOT / 'tools'))
    monkeypatch.setattr(sys, 'argv', [tool, *arguments])
    monkeypatch.delitem(sys.modules, Path(tool).stem, raising=False)
    importlib.import_module(Path(tool).stem).parse_args()
    for argument in arguments:
        if argument.startswith('configs') and '=' not in argument and not argument.isupper():
            assert (ROOT / argument).exists(), f'{argument} of {command!r} does not exist'


def test_commands_are_found():
    assert len(list(documented_commands())) >= 8


@pytest.mark.parametrize('page', PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    broken = [link for link in LINK.findall(page.read_text(encoding='utf-8')) if not (page.parent / link).exists()]
    assert not broken
