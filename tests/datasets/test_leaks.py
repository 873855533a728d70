import os
import shutil
from pathlib import Path

import pytest
from user_data import write_pairs

from mmseg_custom.datasets.checks import same_content as same_content_module
from mmseg_custom.datasets.checks.leaks import (
    Leak,
    LeakError,
    describe_leaks,
    find_leaks,
    leaks_between_folds,
    refuse_leaks,
)
from mmseg_custom.datasets.checks.same_content import same_content
from mmseg_custom.datasets.folds.fold_file import FoldSplit
from mmseg_custom.datasets.folds.leaves import Sample


@pytest.fixture(autouse=True)
def _in_tmp_path(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def samples(split, names):
    """Samples of new images, each of a colour of its own."""
    write_pairs(split, names)
    return listed(split, names)


def listed(split, names):
    return [Sample(0, n, name, dict(img_path=f'data/images/{split}/{name}.png')) for n, name in enumerate(names)]


def copy(source, target):
    Path(f'data/images/{target}').parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(f'data/images/{source}.png', f'data/images/{target}.png')


def test_distinct_splits_have_no_leak_though_names_and_sizes_are_the_same():
    train, val = samples('train', ['a', 'b', 'c']), samples('val', ['a', 'b', 'c'])
    sizes = {Path(one.info['img_path']).stat().st_size for one in [*train, *val]}
    assert len(sizes) < 6 and find_leaks(train, {'val': val}) == []


def test_one_file_in_two_lists_is_found_by_its_path():
    train = samples('train', ['a', 'b', 'c'])
    val = [Sample(0, 0, 'x', dict(img_path=os.path.abspath('data/../data/images/train/b.png')))]  # noqa: PTH100
    Path('link').symlink_to('data/images/train')
    test = [Sample(0, 0, 'c', dict(img_path='link/c.png'))]
    assert find_leaks(train, {'val': val, 'test': test}) == [
        Leak('path', 'val', 'x', 'b'),
        Leak('path', 'test', 'c', 'c'),
    ]


def test_a_copy_is_found_by_its_content():
    train, val = samples('train', ['a', 'b', 'c']), samples('val', ['d', 'e'])
    copy('train/c', 'val/e')
    assert find_leaks(train, {'val': val}) == [Leak('content', 'val', 'e', 'c')]


def test_files_that_are_equal_at_both_ends_and_in_the_middle_are_read_to_the_end(monkeypatch):
    monkeypatch.setattr(same_content_module, 'BLOCK', 4)
    plain = bytes(60)
    for name, content in {'a': plain, 'b': plain, 'c': plain[:10] + b'x' + plain[11:], 'd': plain + b'.'}.items():
        Path(name).write_bytes(content)
    assert same_content('abcd') == [['a', 'b']]


def test_only_files_of_one_size_are_opened(monkeypatch):
    opened = []
    content = same_content_module._ends
    monkeypatch.setattr(same_content_module, '_ends', lambda path: opened.append(path) or content(path))
    for number in range(5):
        Path(f'{number}').write_bytes(bytes(number + 1))
    Path('again').write_bytes(bytes(3))
    assert same_content([*'01234', 'again']) == [['2', 'again']]
    assert sorted(opened) == ['2', 'again']
    assert same_content([*'01234', 'again'], some=['2', 'again']) == [] and len(opened) == 2
    assert same_content([*'01234', 'again'], some=['2']) == [['2', 'again']]


def test_missing_empty_and_far_files_are_no_copies():
    Path('a').touch()
    Path('b').touch()
    assert same_content(['a', 'b', 'gone', 's3://bucket/a', 's3://bucket/b']) == []
    far = [Sample(0, 0, 'a', dict(img_path='s3://bucket/a.png'))]
    assert find_leaks(far, {'val': far}) == [Leak('path', 'val', 'a', 'a')]


@pytest.mark.parametrize('group_by', ['city', r'^(\w+)/', 'groups.csv'])
def test_a_group_in_both_is_found(group_by):
    train, val = (
        samples('train', ['bonn/1', 'bonn/2', 'köln/1', 'köln/2']),
        samples('val', ['bonn/3', 'ulm/1', 'ulm/2']),
    )
    Path('groups.csv').write_text('bonn/1,bonn\nbonn/2,bonn\nköln/1,köln\nköln/2,köln\nbonn/3,bonn\n')
    assert find_leaks(train, {'val': val}, group_by) == [Leak('group', 'val', 'bonn', 'bonn')]
    assert find_leaks(train, {'val': val}) == find_leaks(train, {'val': val}, 'block') == []


def test_copies_in_two_folds_are_found_and_in_one_are_none():
    train = samples('train', ['a', 'b', 'c', 'd'])
    copy('train/a', 'train/d')
    spec = dict(num_folds=2, seed=0, group_by=None, block_size=None, fingerprint='')
    apart = FoldSplit(**spec, folds=[['a', 'b'], ['c', 'd']])
    assert leaks_between_folds(train, apart) == [Leak('content', 'fold 2', 'd', 'a', 'fold 1')]
    assert leaks_between_folds(train, FoldSplit(**spec, folds=[['a', 'd'], ['b', 'c']])) == []
    carved = FoldSplit(**spec, folds=[['a'], ['b', 'c']], holdout_names=['d'])
    assert leaks_between_folds(train, carved) == [Leak('content', 'the holdout', 'd', 'a', 'fold 1')]


def test_leaks_are_told_in_one_sentence():
    leaks = [Leak('path', 'val', name, name) for name in 'abcde'] + [Leak('content', 'test', 'f', 'a')]
    assert describe_leaks(leaks) == [
        '5 images of val are images of train, too (a, b, c and 2 more)',
        '1 images of test are copies of images of train (f = a)',
    ]
    with pytest.raises(LeakError, match=r'and 2 more.*f = a.*--allow-leaks'):
        refuse_leaks(leaks)
    refuse_leaks([])
