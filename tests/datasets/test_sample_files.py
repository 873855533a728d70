import itertools

import pytest
from mmseg.registry import DATASETS
from user_data import config, settings, write_pair, write_pairs

from mmseg_custom.datasets.checks.leftover_files import describe_leftovers
from mmseg_custom.datasets.checks.verify import examine
from mmseg_custom.datasets.folds.grouping import FoldError
from mmseg_custom.datasets.folds.official_splits import official_splits
from mmseg_custom.datasets.prepare import prepare
from mmseg_custom.datasets.sample_files import SampleFilesError, list_pairs, without_suffix


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def names(**changes):
    dataset = DATASETS.build(settings(**changes))
    return [dataset.name_of(dataset.get_data_info(index)) for index in range(len(dataset))]


@pytest.mark.parametrize(
    ('path', 'name'),
    [('a/im.JPG', 'a/im'), ('im_left.png', 'im'), ('im.png', 'im'), ('im.gif', None), ('a/.png', None)],
)
def test_the_longest_suffix_goes_in_any_case(path, name):
    assert without_suffix(path, ('.png', '_left.png', '.jpg')) == name


def test_suffixes_of_any_case_and_several_are_taken():
    for number, suffix in enumerate(('.jpg', '.JPG', '.png')):
        write_pair(f'data/images/train/im{number}{suffix}', f'data/labels/train/im{number}.PNG', number)
    assert names(img_suffix='.jpg') == ['im0', 'im1']
    assert names(img_suffix=('.jpg', '.png')) == names(img_suffix=['.png', '.jpg']) == ['im0', 'im1', 'im2']
    dataset = DATASETS.build(settings(img_suffix=('.jpg', '.png')))
    assert dataset.get_data_info(1)['img_path'] == 'data/images/train/im1.JPG'
    assert dataset.get_data_info(1)['seg_map_path'] == 'data/labels/train/im1.PNG'
    assert dataset[2]['inputs'].unique().tolist() == [12]


def test_files_of_one_name_are_refused():
    write_pairs('train', ['a'])
    write_pair('data/images/train/a.PNG', 'data/labels/train/a.png')
    with pytest.raises(SampleFilesError, match=r'a\.PNG and a\.png have one name, a,'):
        names()


@pytest.mark.parametrize('suffix', [None, (), ('.png', 3), ''])
def test_suffixes_that_are_none_are_named(suffix):
    write_pairs('train', ['a'])
    with pytest.raises(SampleFilesError, match=r'img_suffix=.*give a suffix'):
        names(img_suffix=suffix)


def test_what_is_not_taken_is_counted_and_named():
    write_pairs('train', ['a', 'b'])
    write_pair('data/images/train/c.bmp', 'data/labels/train/c.png')
    write_pair('data/images/train/a.bmp', 'data/labels/train/a_colour.png')  # These belong to a.
    (images, labels) = describe_leftovers([DATASETS.build(settings(pipeline=[]))])
    assert images == (
        "data/images/train: 1 files do not end in img_suffix=('.png',) and are not taken (1 .bmp): c.bmp"
    )
    assert labels == 'data/labels/train: 1 labels have no image: c.png'


def test_an_empty_folder_says_what_is_there():
    write_pairs('train', ['a', 'b'], '.jpg')
    with pytest.raises(FileNotFoundError, match=r"No image ending in '\.png' .*files there: 2 \.jpg"):
        names()


@pytest.fixture
def lists(tmp_path):
    write_pairs('', [f'im{n}' for n in range(6)])
    (tmp_path / 'data/train.txt').write_text('im0\nim1.png\n\nim2\nim3\n')
    (tmp_path / 'data/val.txt').write_text('im4\nim5\n')
    return {'ann_file': '{split}.txt', 'data_prefix': {'img_path': 'images', 'seg_map_path': 'labels'}}


def test_two_lists_over_one_folder_are_two_splits(lists):
    cfg = config(**lists)
    done = prepare(cfg)
    assert (done.num_train, done.num_val, done.notes) == (4, 2, [])
    assert sorted(itertools.chain(*done.split.folds)) == ['im0', 'im1', 'im2', 'im3']
    assert examine(cfg).faults == []
    parts = [names(part=part, fold=fold, **lists) for part in ('train', 'val') for fold in (1, None)]
    assert parts[0] == done.split.folds[1] and parts[2] == done.split.folds[0]
    assert parts[1] == ['im0', 'im1', 'im2', 'im3'] and parts[3] == ['im4', 'im5']


def test_lists_that_share_images_leak(lists, tmp_path):
    (tmp_path / 'data/val.txt').write_text('im3\nim4\n')
    cfg = config(**lists)
    assert prepare(cfg).notes == [
        '1 images are in train and in val, whose score is too good: data/images/im3.png',
        'data/images: 1 images are in no list (ann_file): im5.png',
        'data/labels: 1 labels have no image: im5.png',
    ]
    (fault,) = examine(cfg).faults
    assert str(fault) == 'leakage: data/images/im3.png: this very file is in val, too'


def test_one_folder_without_lists_is_no_val_split(lists):
    cfg = config(data_prefix=lists['data_prefix'])
    for look in (prepare, examine, official_splits):
        with pytest.raises(FoldError, match=r'All 6 images of val are images of train.*ann_file.*holdout'):
            look(cfg)


def test_lists_that_cannot_be_are_named(lists, tmp_path):
    (tmp_path / 'data/val.txt').write_text('im4\nim9\n')
    with pytest.raises(FileNotFoundError, match=r'1 images are not there, the first one data/images/im9\.png'):
        prepare(config(**lists))
    (tmp_path / 'data/val.txt').write_text('im4\nim4.png\n')
    with pytest.raises(SampleFilesError, match=r'val\.txt names im4 more than once'):
        prepare(config(**lists))
    (tmp_path / 'data/val.txt').unlink()
    with pytest.raises(FileNotFoundError, match=r'there is no list data/val\.txt'):
        prepare(config(**lists))


def test_a_fold_over_the_list_of_val_is_told_apart_from_changed_data(lists):
    prepare(config(**lists))
    with pytest.raises(FoldError, match=r'No image of folds\.json is among the 2 of data/val\.txt.*\{split\}'):
        names(**{**lists, 'ann_file': 'val.txt'}, part='val', fold=1)


def test_folders_of_other_names_and_loaders_with_places_of_their_own():
    write_pairs('training', ['a', 'b'])
    write_pairs('validation', ['c'])
    assert prepare(config(splits={'train': 'training', 'val': 'validation'})).num_val == 1
    places = [{'img_path': f'images/{name}', 'seg_map_path': f'labels/{name}'} for name in ('training', 'validation')]
    done = prepare(config(val={'data_prefix': places[1]}, data_prefix=places[0]))
    assert (done.num_train, done.num_val) == (2, 1)


def test_no_val_split_says_the_ways_out_and_a_holdout_does_without():
    write_pairs('train', [f'im{n}' for n in range(10)])
    with pytest.raises(FileNotFoundError, match=r"no val split: no folder data/images/val .*part='holdout'"):
        prepare(config())
    folds = {'file': 'folds.json', 'num_folds': 2, 'holdout': 0.2}
    done = prepare(config(val={'part': 'holdout'}, folds=folds))
    assert (done.num_val, len(done.split.holdout_names)) == (0, 2)


def test_pairs_without_labels(tmp_path):
    write_pairs('test', ['a'])
    assert list_pairs('data/images/test', None, '.png', '.png') == [('data/images/test/a.png', None)]
