import pytest

from mmseg_custom.datasets import FoldError, FoldSplit, split_folds
from mmseg_custom.datasets.folds.fold_file import check_made_as, describe_groups, make_split, read_split, write_split
from mmseg_custom.datasets.folds.grouping import group_names
from mmseg_custom.datasets.folds.splitting import doubtful_groups, group_images

FRAMES = [f'frame{n}' for n in range(1, 13)]
SPEC = {'num_folds': 2, 'seed': 0, 'block_size': None}


def drive(name):
    return name.partition('-')[0]


@pytest.mark.parametrize(
    ('names', 'blocks'),
    [
        (FRAMES, [FRAMES[:6], FRAMES[6:]]),  # frame10 stands behind frame9, not behind frame1.
        ([f'seq/{n:05}' for n in range(12)], [[f'seq/{n:05}' for n in range(k, k + 6)] for k in (0, 6)]),
        ([f'0001TP_{n:06}' for n in range(12)], [[f'0001TP_{n:06}' for n in range(k, k + 6)] for k in (0, 6)]),
        (
            [f'aachen_{n:06}_000019' for n in range(12)],
            [[f'aachen_{n:06}_000019' for n in range(k, k + 6)] for k in (0, 6)],
        ),
        ([f'{n:06}_10' for n in range(12)], [[f'{n:06}_10' for n in range(k, k + 6)] for k in (0, 6)]),
    ],
)
def test_blocks_are_consecutive_frames_by_their_numbers(names, blocks):
    assert list(group_images(names, 'block', 6).values()) == blocks


def test_blocks_do_not_cross_drives():
    names = [f'{drive}_{n}' for drive in ('a', 'b') for n in range(3)]
    assert list(group_images(names, 'block', 2).values()) == [['a_0', 'a_1'], ['a_2'], ['b_0', 'b_1'], ['b_2']]


def test_groups_by_pattern_table_and_function(tmp_path):
    names = ['a-1', 'a-2', 'b-1', 'b-2']
    (tmp_path / 'groups.csv').write_text('name,group\na-1,A\na-2.png,A\nb-1,B\nb-2,B\n')
    by_letter = {'a': ['a-1', 'a-2'], 'b': ['b-1', 'b-2']}
    assert group_names(names, r'^(\w)-') == by_letter
    assert group_names(names, '^[ab]') == by_letter
    assert group_names(names, drive) == by_letter
    assert group_names(names, 'os.path.dirname') == {'': names}
    assert group_names(names, str(tmp_path / 'groups.csv')) == {'A': names[:2], 'B': names[2:]}
    assert sorted(split_folds(names, 2, 0, r'^(\w)-')) == [names[:2], names[2:]]


@pytest.mark.parametrize(
    ('names', 'group_by', 'block_size', 'message'),
    [
        (['alpha', 'beta', 'gamma'], 'city', None, r"group_by='city'.*each of the 3 images.*regular expression"),
        (FRAMES, 'block', 1, r"group_by='block' with block_size=1 puts each of the 12 images"),
        (FRAMES, 'block', -1, 'block_size=-1 cannot be done'),
        (FRAMES, 'city', None, r"2 folds cannot be made of 1 groups \(group_by='city'\)"),
        (FRAMES, 'cities', None, r"group_by='cities' is unknown"),
        (FRAMES, '(frame', None, r"group_by='\(frame' is no regular expression: missing \)"),
        (FRAMES, r'^drive(\d)', None, r"finds no group in 'frame1'"),
        (FRAMES, 'no.such.function', None, "'no.such.function' is no function that can be imported"),
        (FRAMES, 'nowhere.csv', None, 'there is no such table'),
        (FRAMES, 'builtins.print', None, r"group_by=builtins\.print gives no group for the image 'frame1'\.$"),
        (FRAMES, 'math.sqrt', None, r"group_by=math\.sqrt: TypeError.* for the image 'frame1'"),
    ],
)
def test_groups_that_are_none_are_refused(names, group_by, block_size, message):
    with pytest.raises(FoldError, match=message):
        split_folds(names, 2, 0, group_by, block_size)


@pytest.mark.parametrize(
    ('text', 'message'),
    [
        ('a-1,A\n', r"group_by='.*groups\.csv': the table has no line for b-1"),
        ('a-1,A\na-1,B\n', 'line 2: a-1 has another'),
        ('a-1\n', "line 1: 'a-1' is no"),
    ],
)
def test_tables_that_do_not_fit_are_named(text, message, tmp_path):
    (tmp_path / 'groups.csv').write_text(text)
    with pytest.raises(FoldError, match=message):
        group_names(['a-1', 'b-1'], str(tmp_path / 'groups.csv'))


@pytest.mark.parametrize(('num_folds', 'seed'), [('5', 1), (2.0, 1), (2, -1), (2, None)])
def test_numbers_that_are_none_are_named(num_folds, seed):
    with pytest.raises(FoldError, match=f'num_folds={num_folds!r}, seed={seed!r}'):
        split_folds(FRAMES, num_folds, seed)


def test_groups_are_shown_largest_first():
    groups = {f'g{n}': [f'g{n}-{k}' for k in range(n)] for n in range(1, 10)}
    first, rest = groups['g1'] + groups['g3'], [name for n in (2, *range(4, 10)) for name in groups[f'g{n}']]
    split = FoldSplit(**SPEC, group_by='^g.', fingerprint='', folds=[first], holdout_names=rest)
    shown = 'g9 (9), g8 (8), g7 (7), g6 (6), g5 (5), g4 (4), g3 (3), g2 (2)'
    assert describe_groups(groups, split).splitlines() == [
        f"9 groups by '^g.' of 1 to 9 images: {shown}, ...",
        '  part 1: 4 images in 2 groups: g3 (3), g1 (1)',
        f'  holdout: 41 images in 7 groups: {shown.replace("g3 (3), ", "")}',
    ]


def test_uneven_groups_and_images_alone_are_doubted():
    assert doubtful_groups({'a': FRAMES[:3], 'b': FRAMES[3:6]}) == doubtful_groups({'a': FRAMES[:3]}) == []
    assert doubtful_groups({'a': FRAMES[:2], 'b': FRAMES[2:3], 'c': FRAMES[3:4]}) == []
    (line,) = doubtful_groups({'a': FRAMES[:5], 'b': FRAMES[5:9]})
    assert line.startswith('group a holds 5 of 9 images')
    (line,) = doubtful_groups({'a': FRAMES[:2], **{name: [name] for name in FRAMES[2:5]}})
    assert line.startswith('3 of 5 images are alone')


def test_the_file_keeps_how_groups_were_made(tmp_path):
    table = tmp_path / 'groups.csv'
    table.write_text('a-1,A\na-2,A\nb-1,B\n')
    spec = {**SPEC, 'group_by': str(table)}
    split = make_split(['a-1', 'a-2', 'b-1'], 'files', **spec)
    write_split(split, tmp_path / 'folds.json')
    assert read_split(tmp_path / 'folds.json') == split
    check_made_as(split, {**spec, 'holdout': 0.0}, 'folds.json', 'renew')
    assert describe_groups({'A': ['a-1', 'a-2'], 'B': ['b-1']}, split).splitlines()[1:] == [
        '  part 1: 2 images in 1 groups: A (2)',
        '  part 2: 1 images in 1 groups: B (1)',
    ]
    table.write_text('a-1,A\na-2,B\nb-1,B\n')
    with pytest.raises(FoldError, match=r'groups\.csv has changed since folds\.json was made'):
        check_made_as(split, {**spec, 'holdout': 0.0}, 'folds.json', 'renew')
    assert make_split(['a-1', 'a-2', 'b-1'], 'files', **{**SPEC, 'group_by': drive}).group_by == f'{__name__}.drive'
