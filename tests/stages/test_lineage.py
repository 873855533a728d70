import pytest

from mmseg_custom.stages.lineage import UNKNOWN, average_lineage, continue_lineage, has_seen, merge_seen

WHOLE = {'split': 'train'}
VAL = {'split': 'val'}


def parts(*numbers, folds='abc'):
    return {'split': 'train', 'folds': folds, 'parts': list(numbers)}


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
    ],
)
def test_whether_weights_may_have_seen_images(seen, images, expected):
    assert has_seen(seen, images) is expected


def test_seen_images_accumulate_once():
    assert merge_seen([[WHOLE, parts(1)], [parts(1), parts(2)]]) == [WHOLE, parts(1), parts(2)]


def test_lineage_of_a_run_and_of_an_average():
    run = continue_lineage({'lineage': {'parents': [], 'seen': [WHOLE]}}, 'winner.pth', 'sum', parts(2))
    assert run == {'parents': [{'file': 'winner.pth', 'weights': 'sum'}], 'seen': [WHOLE, parts(2)]}
    assert continue_lineage({}, 'foreign.pth', 'sum', parts(2))['seen'] == [UNKNOWN, parts(2)]
    other = {'weights': 'b', 'lineage': {'seen': [WHOLE, parts(1)]}}
    average = average_lineage({'fold1.pth': {'weights': 'a', 'lineage': run}, 'fold2.pth': other})
    assert average['parents'] == [
        {'file': 'fold1.pth', 'weights': 'a'},
        {'file': 'fold2.pth', 'weights': 'b'},
    ]
    assert average['seen'] == [WHOLE, parts(2), parts(1)]
