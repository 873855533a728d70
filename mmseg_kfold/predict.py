"""`mmseg-kfold predict` and `tools/predict.py`: images and videos, predicted by one network or all folds of a run."""

import sys
from argparse import ArgumentParser, Namespace

from mmseg_kfold.options import OVERRIDES, add_overrides, number

HELP = 'predict images and videos by all folds of a run together'
DESCRIPTION = """Predict images and videos.

`%(prog)s work_dirs/my_config_kfold INPUT... --out DIR`  all folds of a run together (of its last stage)
`%(prog)s work_dirs/streets/stage5 INPUT... --out DIR`  all folds of a stage together
`%(prog)s CONFIG CHECKPOINT INPUT... --out DIR`  one checkpoint
`%(prog)s model.onnx INPUT... --out DIR`  an exported file

CONFIG is only needed for a checkpoint outside of the folders of runs. An INPUT is an image, a video, a folder
(searched recursively), a pattern in quotes or a .txt file with a path a line.
"""
KINDS = ('overlay', 'color', 'ids', 'raw', 'uncertainty')  # Those of PredictionWriter, whose import takes seconds.


def add_options(parser: ArgumentParser) -> None:
    """Add what can be said to a parser."""
    parser.add_argument('arguments', nargs='+', metavar='[CONFIG] MODEL INPUT...', help='see above')
    parser.add_argument('--out', required=True, help='folder for the results, one subfolder a kind')
    parser.add_argument('--save', nargs='+', choices=KINDS, default=['overlay'], help='kinds of results')
    parser.add_argument(
        '--ids',
        choices=('train', 'label'),
        default='train',
        help="ids of --save ids: train ids, or those of the data set's label files (labelIds for Cityscapes' server)",
    )
    parser.add_argument(
        '--opacity', type=number(float, 0, 1), default=0.5, help='of the colours in overlays (default: 0.5)'
    )
    parser.add_argument('--smooth', action='store_true', help='enlarge scores (bilinear), not classes (nearest)')
    parser.add_argument('--batch-size', type=number(low=1), default=1, help='images at once (default: 1)')
    parser.add_argument('--workers', type=number(low=1), default=2, help='threads that read and prepare (default: 2)')
    parser.add_argument('--device', default='auto', help='cpu, cuda, cuda:1, ... (default: chosen)')
    parser.add_argument('--amp', action='store_true', help='compute in bfloat16: faster where the hardware has it')
    parser.add_argument('--compile', action='store_true', help='compile the network first: a minute, then faster')
    add_overrides(parser, OVERRIDES)


def main(args: Namespace) -> None:
    """Predict; faults of single inputs are told when all others are done.

    Raises:
        UserError: If the model cannot be used, or an input failed.
    """
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from mmseg_custom.errors import UserError
    from mmseg_custom.inference import InputError, PredictionWriter, find_sources, open_predictor, read_frames
    from mmseg_custom.inference.model_source import split_config
    from mmseg_custom.inference.readers import count_frames

    config, named = split_config(args.arguments)
    if len(named) < 2:
        raise UserError('Name a model and at least one image, folder or video: [CONFIG] MODEL INPUT...')
    model, *inputs = named
    sources = find_sources(inputs, skip=args.out)
    options = {'device': args.device, 'smooth': args.smooth, 'cfg_options': args.cfg_options}
    options.update(amp=args.amp, compiled=args.compile, keep_uncertainty='uncertainty' in args.save)
    predictor = open_predictor(model, config, keep_scores='raw' in args.save, **options)
    faults: list[InputError] = []
    console = Console(stderr=True)
    columns = (TextColumn('predict'), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with (
        PredictionWriter(args.out, predictor.labels, args.save, args.opacity, args.ids) as writer,
        Progress(*columns, console=console, disable=not console.is_terminal) as progress,
    ):
        frames = read_frames(sources, faults.append)
        task = progress.add_task('', total=count_frames(sources))
        for frame, prediction in predictor.stream(frames, faults.append, args.batch_size, args.workers):
            writer.write(frame, prediction)
            progress.advance(task)
    for fault in faults:
        print(fault, file=sys.stderr)
    if faults:
        raise UserError(f'{len(faults)} of {len(sources)} inputs failed; the others are in {args.out}.')
