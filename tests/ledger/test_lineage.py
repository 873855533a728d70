import pytest

from mmseg_custom.ledger.images import Images
from mmseg_custom.ledger.lineage import (
    PRETRAINED,
    SCRATCH,
    UNKNOWN,
    average_lineage,
    has_seen,
    lineage_from,
    may_have_seen,
    merge_lineages,
    merge_seen,
    seen_images,
    with_images,
)

WHOLE = {'split': 'train'}
VAL = {'split': 'val'}
FIRST, SECOND, BOTH = Images.of({1, 2}), Images.of({3}), Images.of({1, 2, 3})


def parts(*numbers, folds='abc'):
    return {'split': 'train', 'folds': folds, 'parts': list(numbers)}


def named(images):
    return {'split': 'images', 'checksum': images.checksum()}


@pytest.mark.parametrize(
    ('seen', 'images', 'expected'),
    [
        ([], parts(1), False),
        ([WHOLE], VAL, False),
        ([WHOLE], parts(1), True),
        ([parts(2, 3)], parts(1), False),
        ([parts(2, 3), parts(1)], parts(1), True),
        ([parts(2, 3, folds='other')], parts(1), True),
        ([UNKNOWN], VAL, True),
        ([parts(2)], WHOLE, True),
        ([{'split': PRETRAINED, 'source': 'torchvision://resnet18'}], VAL, False),
        ([named(FIRST)], named(SECOND), True),
    ],
)
def test_by_their_names_weights_may_have_seen_images(seen, images, expected):
    assert has_seen(seen, images) is expected


def test_seen_images_accumulate_once():
    assert merge_seen([[WHOLE, parts(1)], [parts(1), parts(2)]]) == [WHOLE, parts(1), parts(2)]


@pytest.mark.parametrize(
    ('trained', 'validated', 'expected'),
    [
        ((named(FIRST), FIRST), (named(SECOND), SECOND), False),
        ((named(FIRST), FIRST), (named(BOTH), BOTH), True),
        ((WHOLE, FIRST), (VAL, FIRST), True),  # one folder for both
        ((WHOLE, FIRST), (WHOLE, SECOND), False),  # two data sets
        ((parts(2, 3, folds='other'), FIRST), (parts(1), SECOND), False),
        ((parts(1), FIRST), (parts(1), SECOND), True),  # the files were written anew
        ((parts(2), FIRST), (parts(1), None), False),
        ((named(FIRST), FIRST), (UNKNOWN, None), True),
        ((UNKNOWN, None), (named(FIRST), FIRST), True),
    ],
)
def test_the_images_decide_where_they_are_known(trained, validated, expected):
    assert may_have_seen(with_images(SCRATCH, *trained), *validated) is expected


def test_a_start_of_unknown_past_stays_unknown():
    foreign = lineage_from({}, 'foreign.pth', 'sum')
    assert foreign == {'parents': [{'file': 'foreign.pth', 'weights': 'sum'}], 'seen': [UNKNOWN]}
    assert may_have_seen(with_images(foreign, WHOLE, FIRST), VAL, SECOND)


def test_lineages_of_earlier_versions_are_read_by_their_names():
    old = {'lineage': {'parents': [], 'seen': [parts(2)]}}
    run = with_images(lineage_from(old, 'winner.pth', 'sum'), parts(3), FIRST)
    assert run['seen'] == [parts(2), parts(3)]
    assert may_have_seen(run, parts(1), SECOND) is False
    assert may_have_seen(run, parts(2), SECOND) is True
    assert may_have_seen(run, WHOLE, SECOND) is True  # the images of part 2 are not known
    assert may_have_seen(run, parts(1), FIRST) is True  # the same image in two parts


def test_images_accumulate_through_runs_and_averages():
    run = with_images(lineage_from({'lineage': with_images(SCRATCH, WHOLE, FIRST)}, 'winner.pth', 'sum'), VAL, SECOND)
    assert seen_images(run) == BOTH
    other = with_images(SCRATCH, parts(1), Images.of({4}))
    run_names = {'fold1.pth': {'weights': 'a', 'lineage': run}, 'fold2.pth': {'weights': 'b', 'lineage': other}}
    average = average_lineage(run_names)
    assert average['parents'] == [{'file': 'fold1.pth', 'weights': 'a'}, {'file': 'fold2.pth', 'weights': 'b'}]
    assert average['seen'] == [WHOLE, VAL, parts(1)]
    assert seen_images(average) == Images.of({1, 2, 3, 4})
    assert not may_have_seen(average, parts(9), Images.of({5}))
    run_names['fold3.pth'] = {'weights': 'c', 'lineage': {'parents': [], 'seen': [parts(2)]}}  # an earlier version's
    assert may_have_seen(average_lineage(run_names), WHOLE, Images.of({5}))


def test_weights_made_of_others_have_the_parents_of_all():
    parents = [{'file': f'{name}.pth', 'weights': name} for name in 'ab']
    merged = merge_lineages(
        [{'parents': parents[:1], 'seen': [WHOLE]}, {'seen': [VAL]}, {**SCRATCH, 'parents': parents[1:]}]
    )
    assert merged == {'parents': parents, 'seen': [WHOLE, VAL]}


def test_images_behind_batch_norm_statistics_count():
    run_names = {'a.pth': {'weights': 'a', 'lineage': with_images(SCRATCH, parts(1), FIRST)}}
    measured = {**WHOLE, 'images': 8, 'identities': SECOND.as_text()}
    lineage = average_lineage(run_names, measured)
    assert lineage['statistics'] == {**WHOLE, 'images': 8}
    assert 'statistics' not in lineage_from({'lineage': lineage}, 'a.pth', 'a')  # They change as it trains.
    assert seen_images(lineage) == BOTH and may_have_seen(lineage, parts(2), SECOND)


@pytest.mark.parametrize('images', [7, [], {}, {'bits': 'x', 'checksums': ''}, {'bits': 48, 'checksums': 'AAA'}])
def test_a_damaged_list_of_images_is_none(images):
    lineage = {**SCRATCH, 'seen': [parts(1)], 'images': images}
    assert seen_images(lineage) is None
    assert may_have_seen(lineage, parts(1), FIRST) is True
