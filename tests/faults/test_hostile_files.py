import multiprocessing
import os
import random
import resource
import runpy
import sys
from contextlib import suppress
from pathlib import Path

import pytest
import torch
from malformed import MALFORMED, UNUSABLE
from mmseg.registry import MODELS
from payloads import PAYLOADS, WEIGHTS, Call

from mmseg_custom.config import load_run_config
from mmseg_custom.datasets.prepare import prepare
from mmseg_custom.engine.stage_runner import build_runner
from mmseg_custom.errors import UserError
from mmseg_custom.fusion.average_files import average_files
from mmseg_custom.fusion.fuse_stage import choose_winner
from mmseg_custom.inference.model_source import open_predictor
from mmseg_custom.io.checkpoints.checkpoint_file import (
    CheckpointError,
    check_resume_point,
    hash_weights,
    load_checkpoint_file,
    load_weights,
    save_checkpoint_file,
)
from mmseg_custom.ledger.stage_ledger import StageLedger

ROOT = Path(__file__).resolve().parents[2]
TOOLS, CONFIG = ROOT / 'tools', ROOT / 'configs/streets_stage1.py'
FORK = multiprocessing.get_context('fork')
NARROW = {'model.backbone.base_channels': 4, 'model.decode_head.in_channels': (4, 32)}


def count_refused(paths, counts):
    """Load files with 512 MB of memory beyond what this process has; how many are refused."""
    used = int(Path('/proc/self/statm').read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + 2**29, used + 2**29))
    refused = 0
    for path in paths:
        with suppress(CheckpointError):
            load_checkpoint_file(path)
            continue
        refused += 1
    counts.put(refused)


def average(path):
    save_checkpoint_file({'state_dict': WEIGHTS, 'meta': {}}, path.with_name('good.pth'))
    average_files([path.with_name('good.pth'), path], path.with_name('out.pth'))


def fuse(path):
    ledger = StageLedger(path.with_name('stage'))
    for name in ('fold1', 'fold2'):
        entry = {'weights': hash_weights(WEIGHTS), 'val': {'mIoU': 1.0}, 'lineage': {'parents': [], 'seen': []}}
        entry['experiment'] = {}
        save_checkpoint_file({'state_dict': WEIGHTS, 'meta': {}}, path.with_name('good.pth'))
        ledger.record(name, entry, path.with_name('good.pth'))
    ledger.weights_path('fold2').unlink()
    path.rename(ledger.weights_path('fold2'))
    choose_winner(ledger, ['fold1', 'fold2'], None)


def convert(path):
    sys.argv = ['convert_checkpoint.py', str(path), str(path.with_name('out.pth'))]
    tool = runpy.run_path(str(TOOLS / 'convert_checkpoint.py'), run_name='converter')
    tool['main'](tool['parse_args']())


def initialize(path):
    start = {'type': 'SafePretrained', 'checkpoint': str(path)}
    MODELS.build({'type': 'DilatedResNet', 'depth': 10, 'base_channels': 4, 'init_cfg': start}).init_weights()


def predict(path):
    open_predictor(path, CONFIG, device='cpu', cfg_options=NARROW)


HOSTILE = PAYLOADS + MALFORMED + UNUSABLE
# One of each kind: code that would run, an archive that is no checkpoint, and weights that cannot be used.
KINDS = [PAYLOADS[0], *(entry for entry in HOSTILE if entry[0] in ('truncated', 'complex', 'NaN'))]
# Besides the runner, in a test of its own. Predicting, the demo and the export open a model in the same way.
READERS = [average, fuse, convert, initialize, predict]
# What a reader would have made of a good file.
RESULTS = {'MARKER', 'out.pth', 'winner.pth', 'stage.json', 'all_folds.pth'}


@pytest.fixture(scope='module')
def runner(tmp_path_factory, scenes):
    """A runner of a tiny plan, as `tools/train.py` and `tools/test.py` build it."""
    folder = tmp_path_factory.mktemp('runner')
    options = {
        **NARROW,
        'custom_hooks': [],
        'default_hooks.fold_average.stage_dir': str(folder / 'stage1'),
    }
    cfg = load_run_config(CONFIG, folder / 'run', options)
    for key in ('train_dataloader', 'val_dataloader', 'test_dataloader'):
        cfg[key].dataset.update(data_root=str(scenes), folds={'file': str(folder / 'folds.json'), 'num_folds': 3})
    prepare(cfg)
    return build_runner(cfg)


@pytest.fixture
def hostile(request, tmp_path):
    """A file of a row of :data:`HOSTILE`."""
    name, make = request.param
    path = tmp_path / 'input.pth'
    make(path, tmp_path / 'MARKER')
    if name == 'unreadable' and os.access(path, os.R_OK):
        pytest.skip('this user reads every file')
    assert not (tmp_path / 'MARKER').exists()
    return path


@pytest.fixture(autouse=True)
def tools(monkeypatch):
    monkeypatch.syspath_prepend(str(TOOLS))
    monkeypatch.setattr(sys, 'argv', sys.argv)


def assert_refused(read, path):
    with pytest.raises((UserError, FileNotFoundError), match=r'\.pth'):
        read(path)
    names = {file.name for file in path.parent.rglob('*')}
    assert not names & RESULTS
    assert not [name for name in names if name.endswith('.tmp')]


def each(rows):
    """Run a test with the file of each row."""
    return pytest.mark.parametrize('hostile', rows, ids=[name for name, _ in rows], indirect=True)


@each(HOSTILE)
def test_nothing_runs_and_the_error_is_named(hostile):
    for read in (load_weights, check_resume_point):
        assert_refused(read, hostile)


@each(KINDS)
@pytest.mark.parametrize('read', READERS, ids=lambda read: read.__name__)
def test_every_reader_refuses_what_the_check_refuses(hostile, read):
    assert_refused(read, hostile)


@each(KINDS)
def test_runner_neither_starts_nor_resumes_from_it(hostile, runner):
    before = hash_weights(runner.model.state_dict())
    assert_refused(lambda path: runner.load_checkpoint(str(path)), hostile)
    assert_refused(lambda path: runner.resume(str(path)), hostile)
    assert hash_weights(runner.model.state_dict()) == before


def test_config_text_is_never_run(runner, tmp_path):
    marker, path = tmp_path / 'MARKER', tmp_path / 'point.pth'
    code = f"open({str(marker)!r}, 'w').close()"
    meta = {'config': code, 'cfg': code, 'epoch': 1, 'iter': 1, 'seed': 42}
    hub = {'log_scalars': {}, 'runtime_info': {}, 'resumed_keys': {}}
    save_checkpoint_file({'state_dict': runner.model.state_dict(), 'meta': meta, 'message_hub': hub}, path)
    runner.resume(str(path))
    runner.load_checkpoint(str(path))
    save_checkpoint_file({'state_dict': WEIGHTS, 'meta': meta}, path)
    average(path)
    assert 'cfg' not in load_checkpoint_file(tmp_path / 'out.pth')['meta']
    assert not marker.exists()


def test_what_mmsegmentation_allows_is_not_allowed_to_us(tmp_path):
    path = tmp_path / 'input.pth'
    torch.save({'state_dict': WEIGHTS, 'meta': Call(getattr, 'text', 'upper')}, path)
    with torch.serialization.safe_globals([getattr]):
        assert callable(torch.load(path, weights_only=True)['meta'])
        with pytest.raises(CheckpointError, match=r'builtin.*\.getattr is neither'):
            load_checkpoint_file(path)


def test_truncated_anywhere_and_flipped_anywhere(tmp_path):
    path, broken = tmp_path / 'good.pth', tmp_path / 'broken.pth'
    good = {'state_dict': {'w': torch.arange(2000.0), 'n': torch.tensor(3)}, 'meta': {'epoch': 7, 'classes': ['a']}}
    save_checkpoint_file(good, path)
    content, generator = path.read_bytes(), random.Random(0)
    for _ in range(30):
        broken.write_bytes(content[: generator.randrange(len(content))])
        with pytest.raises(CheckpointError, match=r'broken\.pth'):
            load_checkpoint_file(broken)
    refused = sum(is_refused(flip(content, generator), broken, good) for _ in range(100))
    assert refused > 80


def flip(content, generator):
    flipped = bytearray(content)
    flipped[generator.randrange(len(content))] ^= 1 << generator.randrange(8)
    return bytes(flipped)


def is_refused(content, path, good):
    """Whether a file is refused; what is in no record of it may differ, but then its content is the good one."""
    path.write_bytes(content)
    try:
        loaded = load_checkpoint_file(path)
    except CheckpointError:
        return True
    assert loaded['meta'] == good['meta']
    assert hash_weights(loaded['state_dict']) == hash_weights(good['state_dict'])
    return False


def test_loading_costs_no_more_than_the_file(tmp_path):
    names = {'tensor of 2^47 items', 'bytes of 2^44', 'lists that double', '400,000 entries', 'one item expanded'}
    names |= {'NumPy bytes of 2^44', 'NumPy array larger than its data', 'NumPy array in many places'}
    makers = {name: make for name, make in MALFORMED if name in names}
    assert makers.keys() == names
    for number, make in enumerate(makers.values()):
        make(tmp_path / f'{number}.pth', tmp_path / 'MARKER')
    counts = FORK.Queue()
    process = FORK.Process(target=count_refused, args=(sorted(tmp_path.glob('*.pth')), counts))
    process.start()
    assert counts.get(timeout=100) == len(names)
    process.join()
