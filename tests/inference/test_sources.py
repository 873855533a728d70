from pathlib import Path

import pytest

from mmseg_custom.inference.errors import InputError
from mmseg_custom.inference.sources import find_sources


@pytest.fixture
def files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ('a/x.png', 'a/deep/x.JPG', 'a/notes.md', 'b/x.png', 'b/X.bmp', 'b/clip.mp4', 'out/x.png'):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b'')
    return tmp_path


def found(*inputs, skip=None):
    return [(source.path.as_posix(), source.name) for source in find_sources(inputs, skip)]


def test_folders_are_searched_to_any_depth_and_keep_their_tree(files):
    assert found('a') == [('a/deep/x.JPG', 'deep/x'), ('a/x.png', 'x')]


def test_equal_names_do_not_meet_even_without_regard_to_case(files):
    assert found('a/x.png', 'b') == [
        ('a/x.png', 'x'),
        ('b/X.bmp', 'X_2'),
        ('b/clip.mp4', 'clip'),
        ('b/x.png', 'x_3'),
    ]


def test_patterns(files):
    assert found('a/**/*.[pJ]*') == [('a/deep/x.JPG', 'deep/x'), ('a/x.png', 'x')]
    assert found(f'{files}/[ab]/x.png') == [(f'{files}/a/x.png', 'a/x'), (f'{files}/b/x.png', 'b/x')]


def test_lists_name_files_seen_from_here_and_their_names_stay_inside(files):
    Path('list.txt').write_text('a/x.png\n\n../elsewhere/y.png\n/etc/z.png\n')
    assert found('list.txt') == [('a/x.png', 'x'), ('../elsewhere/y.png', 'y'), ('/etc/z.png', 'z')]


def test_names_never_leave_the_folder_of_results(files, monkeypatch):
    monkeypatch.chdir('a')
    names = [name for _, name in found('../b/../b/x.png', '../b', '../*/x.png', str(files / 'b'))]
    assert len(names) == len(set(names)) == 1 + 3 + 3 + 3
    assert not [name for name in names if name.startswith('/') or '..' in Path(name).parts]


def test_results_are_no_inputs(files):
    assert ('out/x.png', 'out/x') in found('.')
    assert not [path for path, _ in found('.', skip='out') if path.startswith('out')]


@pytest.mark.parametrize('nothing', ['nothing*.png', 'empty'])
def test_input_that_stands_for_nothing_is_named(files, nothing):
    Path('empty').mkdir()
    with pytest.raises(InputError, match='stands for no image'):
        find_sources([nothing])
