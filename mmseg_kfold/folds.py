"""The arguments of `mmseg-kfold run`, `report`, `out-of-fold`, `label-errors` and `calibrate`."""

from argparse import ArgumentParser, Namespace
from importlib import import_module
from typing import Any

from mmseg_kfold.options import add_overrides, number, numbers, share, size

# What a command does: a module of mmseg_custom, imported when its words are read, and a function of the arguments.
WORK = {
    'run': ('cross_validation.command', 'run'),
    'report': ('cross_validation.command', 'report'),
    'out-of-fold': ('out_of_fold.command', 'predict_out_of_fold'),
    'label-errors': ('out_of_fold.label_errors_command', 'find_label_errors'),
    'calibrate': ('out_of_fold.calibrate_command', 'calibrate_weights'),
}
SELECT_HELP = (
    'weights that are kept of a run: its last, the best on its held-out images, or the best on an inner part, a '
    'tenth of what it would train on (default: last)'
)


def add_commands(commands: Any) -> None:
    """Add them to the subparsers of a parser."""
    for add in (_add_run, _add_report, _add_out_of_fold, _add_label_errors, _add_calibrate):
        add(commands).set_defaults(main=_main)


def _main(args: Namespace) -> None:
    module, does = WORK[args.command]
    getattr(import_module(f'mmseg_custom.{module}'), does)(args)


def _add_run(commands: Any) -> ArgumentParser:
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
        '--folds', type=number(low=2), metavar='K', help='number of folds (default: those made before, else 5)'
    )
    run.add_argument('--only', type=numbers, metavar='LIST', help='train these folds now, e.g. 1,3 (default: all)')
    run.add_argument('--work-dir', help='where all of it is kept (default: work_dirs/<config name>_kfold)')
    run.add_argument(
        '--jobs', type=number(low=1), default=1, metavar='N', help='folds trained side by side (default: 1)'
    )
    run.add_argument('--stages', type=number(low=1), default=1, metavar='N', help='stages of folds (default: 1)')
    run.add_argument('--seed', type=number(low=0), help="of folds and training (default: the config's, else 42)")
    split = run.add_argument_group('how the images are split')
    split.add_argument(
        '--group-by',
        metavar='HOW',
        help="what stays in one fold: 'city', 'block', a regular expression with one group, or a .csv of name,group",
    )
    split.add_argument(
        '--block-size', type=number(low=1), metavar='N', help='frames in a block, with --group-by block'
    )
    split.add_argument('--stratify', action='store_true', help='make folds alike by the pixels of each class')
    split.add_argument('--holdout', type=share, metavar='F', help='carve out this part of the images first')
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
    train.add_argument('--max-iters', type=number(low=1), metavar='N', help='another length, in iterations')
    train.add_argument('--max-epochs', type=number(low=1), metavar='N', help='another length, in epochs')
    train.add_argument(
        '--val-interval', type=number(low=1), metavar='N', help='iterations or epochs between validations'
    )
    add_overrides(train)
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
    run.set_defaults(trains=True)
    return run


def _add_report(commands: Any) -> ArgumentParser:
    report = commands.add_parser(
        'report',
        help='write the report of a run anew',
        description="Write report.html and figures/ into a run's folder.",
    )
    report.add_argument('folder', help='work_dirs/<config name>_kfold; it may be half done')
    return report


def _add_out_of_fold(commands: Any) -> ArgumentParser:
    command = commands.add_parser(
        'out-of-fold',
        allow_abbrev=False,
        help='predict every training image by the fold that has never seen it, and score the predictions',
        description='Predict the images of a finished run; the same command goes on where it was interrupted.',
    )
    _add_stage(command)
    command.add_argument('--only', type=numbers, metavar='LIST', help='let these folds predict now, e.g. 1,3')
    command.add_argument(
        '--probabilities', type=size, metavar='HxW', help='keep the probabilities of all classes too, at this size'
    )
    command.add_argument(
        '--allow-seen', action='store_true', help='predict images that all weights may have seen, and mark the scores'
    )
    command.add_argument(
        '--group-by', metavar='HOW', help="groups of the scores, as run's --group-by (default: those of the folds)"
    )
    command.add_argument(
        '--block-size', type=number(low=1), metavar='N', help='frames in a block, with --group-by block'
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
    return command


def _add_label_errors(commands: Any) -> ArgumentParser:
    command = commands.add_parser(
        'label-errors',
        allow_abbrev=False,
        help='list where the out-of-fold predictions contradict the labels',
        description='Look for label errors in the predictions of mmseg-kfold out-of-fold.',
    )
    _add_stage(command)
    command.add_argument(
        '--boundary', type=number(low=0), default=3, metavar='N', help='pixels along boundaries left out (default: 3)'
    )
    command.add_argument(
        '--min-size',
        type=number(low=1),
        default=100,
        metavar='N',
        help='pixels of a component at least (default: 100)',
    )
    command.add_argument(
        '--shown',
        type=number(low=0),
        default=300,
        metavar='N',
        help='components and images of the page (default: 300)',
    )
    command.add_argument(
        '--verdicts', metavar='FILE', help='what was judged before: components whose label is right are left out'
    )
    return command


def _add_calibrate(commands: Any) -> ArgumentParser:
    command = commands.add_parser(
        'calibrate',
        allow_abbrev=False,
        help='put the temperature that out-of-fold has found into the weights of a checkpoint',
        description='Divide the logits of a checkpoint by the temperature of the out-of-fold predictions.',
    )
    _add_stage(command)
    command.add_argument('checkpoint', help='weights of the network of that run, e.g. its stage1/fold1.pth')
    command.add_argument('--out', metavar='FILE', help='where they go (default: FOLDER/calibrated/<name>)')
    return command


def _add_stage(command: ArgumentParser) -> None:
    command.add_argument('folder', help='the folder of a finished mmseg-kfold run, e.g. work_dirs/my_config_kfold')
    command.add_argument('--stage', type=number(low=1), default=1, metavar='N', help='stage (default: 1)')
