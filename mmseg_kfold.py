"""The command `mmseg-kfold`: K folds of any config of MMSegmentation.

Arguments are read before anything heavy is imported, so that help and mistyped options answer at once.
"""

import argparse
import ast
import sys
from pathlib import Path
from typing import Any

SELECT_HELP = (
    'weights that are kept of a run: its last, the best on its held-out images, or the best on an inner part, a '
    'tenth of what it would train on (default: last)'
)


def main(argv: list[str] | None = None) -> None:
    """Run a command; errors that a user can mend end in their message alone."""
    args = parse_args(argv)
    sys.path.insert(0, str(Path.cwd()))  # Modules of a project, named by custom_imports, lie where the user stands.
    from mmseg_custom.cross_validation.command import run_command

    run_command(args)


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """The arguments of a command."""
    parser = argparse.ArgumentParser(
        prog='mmseg-kfold', description='K folds of any config of MMSegmentation: one honest score, K models.'
    )
    commands = parser.add_subparsers(dest='command', required=True, metavar='COMMAND')
    run = commands.add_parser(
        'run',
        allow_abbrev=False,
        help='train the folds of a config and score every image by the fold that was not trained on it',
        description='Train the folds of a config; the same command goes on where it was interrupted.',
    )
    run.add_argument(
        'config',
        help='what tools/train.py of MMSegmentation takes, or mmseg::PATH, a config that it brings',
    )
    run.add_argument(
        '--folds', type=_number(2), metavar='K', help='number of folds (default: those made before, else 5)'
    )
    run.add_argument('--only', type=_numbers, metavar='LIST', help='train these folds now, e.g. 1,3 (default: all)')
    run.add_argument('--work-dir', help='where all of it is kept (default: work_dirs/<config name>_kfold)')
    run.add_argument(
        '--jobs', type=_number(1), default=1, metavar='N', help='folds trained side by side (default: 1)'
    )
    run.add_argument('--stages', type=_number(1), default=1, metavar='N', help='stages of folds (default: 1)')
    run.add_argument('--seed', type=_number(0), help="of folds and training (default: the config's, else 42)")
    split = run.add_argument_group('how the images are split')
    split.add_argument(
        '--group-by',
        metavar='HOW',
        help="what stays in one fold: 'city', 'block', a regular expression with one group, or a .csv of name,group",
    )
    split.add_argument('--block-size', type=_number(1), metavar='N', help='frames in a block, with --group-by block')
    split.add_argument('--stratify', action='store_true', help='make folds alike by the pixels of each class')
    split.add_argument('--holdout', type=_fraction, metavar='F', help='carve out this part of the images first')
    split.add_argument('--splits', metavar='FILE', help="a fold file, or nnU-Net's splits_final.json")
    split.add_argument('--allow-leaks', action='store_true', help='go on with images that stand on both sides')
    train = run.add_argument_group('training')
    train.add_argument('--monitor', metavar='SCORE', help="the score that is shown (default: the config's)")
    train.add_argument('--select', choices=('last', 'best', 'inner'), default='last', help=SELECT_HELP)
    train.add_argument(
        '--refit', action='store_true', help='behind the folds, train one model on everything, as long as they were'
    )
    train.add_argument(
        '--distill',
        action='store_true',
        help='the same, and it learns from the folds, too: each image from the one that has not seen it',
    )
    train.add_argument(
        '--fix-list', metavar='FILE', help='images and regions that are not trained on, of label-errors --verdicts'
    )
    train.add_argument('--max-iters', type=_number(1), metavar='N', help='another length, in iterations')
    train.add_argument('--max-epochs', type=_number(1), metavar='N', help='another length, in epochs')
    train.add_argument(
        '--val-interval', type=_number(1), metavar='N', help='iterations or epochs between validations'
    )
    train.add_argument('--cfg-options', nargs='+', action=_Overrides, default={}, help='overrides, key=value')
    run.add_argument(
        '--dry-run', action='store_true', help='check everything, say what it is going to take, train nothing'
    )
    run.add_argument(
        '--no-preflight',
        dest='preflight',
        action='store_false',
        help='do not try a few steps on a few images before the first one',
    )
    run.add_argument('--force', action='store_true', help='archive folds whose config or data changed, train anew')
    report = commands.add_parser(
        'report',
        help='write the report of a run anew',
        description="Write report.html and figures/ into a run's folder.",
    )
    report.add_argument('folder', help='work_dirs/<config name>_kfold; it may be half done')
    _add_out_of_fold(commands)
    _add_label_errors(commands)
    _add_calibrate(commands)
    args = parser.parse_args(argv)
    args.words = list(sys.argv[1:] if argv is None else argv)
    return args


def _add_out_of_fold(commands: Any) -> None:
    command = commands.add_parser(
        'out-of-fold',
        allow_abbrev=False,
        help='predict every training image by the fold that has never seen it, and score the predictions',
        description='Predict the images of a finished run; the same command goes on where it was interrupted.',
    )
    _add_stage(command)
    command.add_argument('--only', type=_numbers, metavar='LIST', help='let these folds predict now, e.g. 1,3')
    command.add_argument(
        '--probabilities', type=_size, metavar='HxW', help='keep the probabilities of all classes too, at this size'
    )
    command.add_argument(
        '--allow-seen', action='store_true', help='predict images that all weights may have seen, and mark the scores'
    )
    command.add_argument(
        '--group-by', metavar='HOW', help="groups of the scores, as run's --group-by (default: those of the folds)"
    )
    command.add_argument(
        '--block-size', type=_number(1), metavar='N', help='frames in a block, with --group-by block'
    )
    command.add_argument(
        '--in-sample', action='store_true', help='predict by a fold that was trained on the image, too: the gap'
    )
    command.add_argument(
        '--disagreement',
        action='store_true',
        help='does the disagreement of the folds find errors, on val or holdout?',
    )
    command.add_argument(
        '--compare', metavar='FOLDER', help='compare with the out-of-fold predictions of another run, image by image'
    )


def _add_label_errors(commands: Any) -> None:
    command = commands.add_parser(
        'label-errors',
        allow_abbrev=False,
        help='list where the out-of-fold predictions contradict the labels',
        description='Look for label errors in the predictions of mmseg-kfold out-of-fold.',
    )
    _add_stage(command)
    command.add_argument(
        '--boundary', type=_number(0), default=3, metavar='N', help='pixels along boundaries left out (default: 3)'
    )
    command.add_argument(
        '--min-size', type=_number(1), default=100, metavar='N', help='pixels of a component at least (default: 100)'
    )
    command.add_argument(
        '--shown', type=_number(0), default=300, metavar='N', help='components and images of the page (default: 300)'
    )
    command.add_argument(
        '--verdicts', metavar='FILE', help='what was judged before: components whose label is right are left out'
    )


def _add_calibrate(commands: Any) -> None:
    command = commands.add_parser(
        'calibrate',
        allow_abbrev=False,
        help='put the temperature that out-of-fold has found into the weights of a checkpoint',
        description='Divide the logits of a checkpoint by the temperature of the out-of-fold predictions.',
    )
    _add_stage(command)
    command.add_argument('checkpoint', help='weights of the network of that run, e.g. its stage1/fold1.pth')
    command.add_argument('--out', metavar='FILE', help='where they go (default: FOLDER/calibrated/<name>)')


def _add_stage(command: argparse.ArgumentParser) -> None:
    command.add_argument('folder', help='the folder of a finished mmseg-kfold run, e.g. work_dirs/my_config_kfold')
    command.add_argument('--stage', type=_number(1), default=1, metavar='N', help='stage (default: 1)')


class _Overrides(argparse.Action):
    """``key=value`` as MMEngine's ``DictAction`` reads it, without importing MMEngine."""

    def __call__(self, parser: Any, namespace: Any, values: Any, option_string: str | None = None) -> None:
        """Add the pairs to those that are there."""
        pairs = dict(getattr(namespace, self.dest))
        for text in values:
            key, equals, value = text.partition('=')
            if not equals:
                parser.error(f'--cfg-options {text}: write key=value')
            pairs[key] = value
        setattr(namespace, self.dest, pairs)


def _number(low: int) -> Any:
    def whole(text: str) -> int:
        if not text.isdecimal() or int(text) < low:
            raise argparse.ArgumentTypeError(f'{text!r}: use a whole number from {low}')
        return int(text)

    return whole


def _numbers(text: str) -> set[int]:
    found: set[int] = set()
    for part in text.split(','):
        low, _, high = part.partition('-')
        if not (low.isdecimal() and (high or low).isdecimal()):
            raise argparse.ArgumentTypeError(f'{text!r}: use numbers such as 1,3 or 1-3')
        found |= set(range(int(low), int(high or low) + 1))
    return found


def _size(text: str) -> tuple[int, int]:
    height, _, width = text.partition('x')
    if not (height.isdecimal() and width.isdecimal() and int(height) and int(width)):
        raise argparse.ArgumentTypeError(f'{text!r}: use height and width in pixels, e.g. 256x512')
    return int(height), int(width)


def _fraction(text: str) -> float:
    try:
        value = float(ast.literal_eval(text))
    except (ValueError, SyntaxError, TypeError):
        value = -1.0
    if not 0 < value < 1:
        raise argparse.ArgumentTypeError(f'{text!r}: use a number above 0 and below 1')
    return value


if __name__ == '__main__':
    main()
