import pickle
from types import SimpleNamespace

import numpy as np
import pytest
from mmengine.dataset import ConcatDataset, RepeatDataset
from mmseg.datasets import BaseSegDataset, MultiImageMixDataset

from mmseg_custom.io.checkpoints.archive import MAX_HEADER_BYTES
from mmseg_custom.ledger.images import HEAD, MAX_IMAGES, TAIL, Images, image_checksum, images_of, leaves


def folder(path, contents):
    path.mkdir()
    for name, content in contents.items():
        (path / f'{name}.png').write_bytes(content)
    return path


def dataset(path):
    meta = {'classes': ('a',), 'palette': [[0, 0, 0]]}
    return BaseSegDataset(data_prefix={'img_path': str(path)}, img_suffix='.png', pipeline=[], metainfo=meta)


@pytest.fixture
def sets(tmp_path):
    a = dataset(folder(tmp_path / 'a', {'1': b'one', '2': b'two'}))
    b = dataset(folder(tmp_path / 'b', {'1': b'three'}))
    copy = dataset(folder(tmp_path / 'copy', {'other_name': b'two', '3': b'four'}))
    (tmp_path / 'link').symlink_to(tmp_path / 'a')
    return SimpleNamespace(a=a, b=b, copy=copy, link=dataset(tmp_path / 'link'))


def test_images_are_compared_by_what_they_hold(sets):
    a, b, copy, link = map(images_of, (sets.a, sets.b, sets.copy, sets.link))
    assert not a.shares_some_with(b)  # although both have a 1.png
    assert a.shares_some_with(copy) and not b.shares_some_with(copy)
    assert a == link and a.checksum() == link.checksum() != b.checksum()
    assert len((a | b | copy).checksums) == 4
    assert len(a.checksum()) == 32


def test_wrappers_of_any_depth_are_looked_through(sets):
    mixed = MultiImageMixDataset(ConcatDataset([sets.a, sets.b]), pipeline=[])
    deep = SimpleNamespace(datasets=[mixed, RepeatDataset(sets.a, 3)])
    assert list(leaves(deep)) == [sets.a, sets.b, sets.a]
    assert images_of(deep) == images_of(mixed) == images_of(sets.a) | images_of(sets.b)
    assert images_of(ConcatDataset([sets.a])) == images_of(sets.a)


def test_a_data_set_that_names_no_files_is_unknown(sets):
    assert images_of([1, 2]) is None
    assert images_of(SimpleNamespace(datasets=[sets.a, [1, 2]])) is None


def test_an_image_is_known_by_size_head_and_tail(tmp_path):
    def checksum(content):
        (tmp_path / 'image').write_bytes(bytes(content))
        return image_checksum(str(tmp_path / 'image'))

    content = np.zeros(HEAD + TAIL + 9, np.uint8)
    known = {checksum(content), checksum(content[:-1])}
    for place in (0, HEAD - 1, -TAIL, -1):
        changed = content.copy()
        changed[place] = 1
        known.add(checksum(changed))
    assert len(known) == 6
    between = content.copy()
    between[HEAD + 4] = 1
    assert checksum(between) == checksum(content)
    small = content[: HEAD + TAIL].copy()
    small[HEAD] = 1
    assert checksum(small) not in {checksum(content[: HEAD + TAIL]), *known}


def test_an_image_elsewhere_is_known_by_its_path(tmp_path, monkeypatch):
    known = image_checksum('s3://a/1.png')
    monkeypatch.chdir(tmp_path)
    assert known == image_checksum('s3://a/1.png') != image_checksum('s3://b/1.png')


def test_only_more_images_than_the_most_are_sampled():
    most = 2**17
    whole = [number << 30 for number in range(most + 1)]
    assert Images.of([3, 4, 5], bits=2) == Images(frozenset([3]), 2)
    assert Images.of(whole[:most]) == Images(frozenset(whole[:most]))
    images = Images.of(whole)
    assert images.bits < 48 and most / 4 < len(images.checksums) <= most


def test_any_number_of_images_fits_the_header_of_a_checkpoint():
    checksums = np.random.default_rng(0).integers(0, 2**48, 3 * MAX_IMAGES).tolist()
    images, first, rest = Images.of(checksums), Images.of(checksums[:1000]), Images.of(range(2**47, 2**47 + 10))
    assert MAX_IMAGES / 4 < len(images.checksums) <= MAX_IMAGES and images.bits == 46
    assert len(pickle.dumps(images.as_text())) < MAX_HEADER_BYTES / 7
    assert Images.from_text(images.as_text()) == images
    assert images.shares_some_with(first) and not images.shares_some_with(rest)
    assert (images | first).bits == 46 and images | first == images
