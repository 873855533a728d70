"""Look at the augmentations: `python tools/browse_augmentations.py configs/streets_stage5.py`."""

import _bootstrap  # noqa: I001

import argparse
import sys
from pathlib import Path

from mmseg_kfold.options import number


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description='Write a contact sheet of every transform and level as PNG.')
    parser.add_argument('config', type=Path, help='any config of a recipe')
    parser.add_argument('--out', type=Path, help='file to write (default: work_dirs/<config name>_augmentations.png)')
    parser.add_argument('--images', type=number(low=1), default=2, help='how many images (default: %(default)s)')
    parser.add_argument(
        '--seed',
        type=number(low=0, high=2**32 - 1),
        default=0,
        help='another seed, another sheet (default: %(default)s)',
    )
    return parser.parse_args()


def main(args: argparse.Namespace) -> None:
    import cv2
    from mmengine.registry import init_default_scope

    from mmseg_custom.config import load_run_config
    from mmseg_custom.io.files import write_bytes
    from mmseg_custom.reports import browse_augmentations

    out = args.out or Path('work_dirs') / f'{args.config.stem}_augmentations.png'
    cfg = load_run_config(args.config)
    init_default_scope(cfg.get('default_scope', 'mmseg'))
    try:
        sheet = browse_augmentations(cfg, args.images, args.seed)
    except (ValueError, OSError) as error:
        raise SystemExit(str(error)) from None
    write_bytes(cv2.imencode('.png', sheet)[1].tobytes(), out)
    sys.stdout.write(f'{out}: {sheet.shape[1]} x {sheet.shape[0]} pixels\n')


if __name__ == '__main__':
    _bootstrap.run(parse_args, main)
