"""What README and docs tell a user to type, and what that is with its placeholders filled in."""

import re
import shlex
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# In the order in which a newcomer reads them: what a command needs was made by one before.
FOLDERS = ('getting_started', 'how_to', 'reference', 'explanation', '')
PAGES = [ROOT / 'README.md', *(page for name in FOLDERS for page in sorted((ROOT / 'docs' / name).glob('*.md')))]
BEGINNING = r'(?:(?:python )?(?:tools/)?\w+\.(?:py|sh)|mmseg-kfold [\w-]+|make|pip|tensorboard) \S'
COMMAND = re.compile(rf'^    (?P<block>{BEGINNING}.*)$|`(?P<span>{BEGINNING}[^`]*)`', flags=re.MULTILINE)
GROUP = re.compile(r'\[((?:--|[A-Z])(?:[^\[\]]|\[[^\[\]]*\])*|[a-z]+\|[a-z|]+)\]')

# What stands for a word; where the word alone is not enough, for it behind the word before.
PLACEHOLDERS = {
    'CONFIG': 'configs/streets_stage2.py',
    'K': '1',
    'FOLDER': 'configs/streets.py',
    'PLAN': 'configs/streets.py',
    'CHECKPOINT': 'work_dirs/streets/stage2/winner.pth',
    'MODEL': 'work_dirs/streets/stage2/winner.pth',
    'MODEL...': 'work_dirs/streets',
    'MODEL.onnx': 'model.onnx',
    'INPUT...': 'data/streets/leftImg8bit/val',
    'A.pth': 'work_dirs/streets/stage2/fold1.pth',
    'B.pth': 'work_dirs/streets/stage2/fold2.pth',
    'OUT.pth': 'out.pth',
    'IN.pth': 'work_dirs/streets/stage2/winner.pth',
    'DIR': 'out',
    '--data-root DIR': '--data-root data/streets',
    '/where/cityscapes/is': 'elsewhere/cityscapes',
    '/where/camvid/is': 'elsewhere/camvid',
    'work_dirs/<recipe>': 'work_dirs/streets',
    'FILE': 'left_out.txt',
    'SHEET.png': 'sheet.png',
    'CROP': '16x32',
    'STRIDE': '8x16',
    'N': '2',
    'PROCESSES': '2',
    '--cfg-options ...': '--cfg-options train_cfg.max_epochs=1',
}


def documented_commands() -> dict[str, str]:
    """Every command of a code block or between backticks, in order, and the first page that has it."""
    found: dict[str, str] = {}
    for page in PAGES:
        for match in COMMAND.finditer(page.read_text(encoding='utf-8').replace('\\\n', ' ')):
            text = (match['block'] or match['span']).split('  #')[0].replace('\\|', '|')
            command = re.sub(r'^(?:python )?(?:tools/)?(?=\w+\.(?:py|sh) )', 'tools/', ' '.join(text.split()))
            found.setdefault(command, page.name)
    return found


def calls(command: str) -> list[list[str]]:
    """The calls that a command stands for, in words: without what is in brackets, and with one bracket at a time."""
    command = re.sub(r'^mmseg-kfold(?= )', 'tools/kfold.py', command)
    return [_fill_in(shlex.split(variant)) for variant in _variants(command)]


def _variants(command: str) -> list[str]:
    plain = GROUP.sub('', command)
    return [plain] + [
        GROUP.sub('', command[: group.start()]) + one + GROUP.sub('', command[group.end() :])
        for group in GROUP.finditer(command)
        for inner in _variants(group[1])
        for one in (inner.split('|') if re.fullmatch(r'[a-z|]+', inner) else [inner])
    ]


def _fill_in(words: list[str]) -> list[str]:
    filled = []
    for before, word in zip(['', *words], words, strict=False):
        pair = PLACEHOLDERS.get(f'{before} {word}')
        filled.append(pair.split()[1] if pair else PLACEHOLDERS.get(word, word))
    return filled
