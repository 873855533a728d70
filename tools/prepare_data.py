"""Check a data set and write its folds: `python tools/prepare_data.py configs/stage2.py --data-root DIR`."""

import _bootstrap  # noqa: F401, I001

import argparse
from pathlib import Path

from mmengine.config import DictAction
from mmengine.registry import init_default_scope

from mmseg_custom.datasets.prepare import link_data_root, prepare
from mmseg_custom.stages.launch import load_run_config


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description='Check the pairs of a data set and write its folds, once.')
    parser.add_argument('config', help='any config of the recipe')
    parser.add_argument('--data-root', type=Path, help="where the data set is; linked to the config's data_root")
    parser.add_argument('--renew', action='store_true', help='replace a fold file that no longer fits')
    parser.add_argument('--cfg-options', nargs='+', action=DictAction, help='overrides, key=value')
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    cfg = load_run_config(args.config, cfg_options=args.cfg_options)
    init_default_scope(cfg.default_scope)
    try:
        if args.data_root:
            link_data_root(cfg, args.data_root)
        done = prepare(cfg, args.renew)
    except (ValueError, OSError) as error:
        raise SystemExit(str(error)) from None
    sizes = ', '.join(str(len(part)) for part in done.split.folds)
    print(f'{done.num_train} training and {done.num_val} validation images, each with its label')
    print(f'{done.fold_file} ({"written" if done.is_new else "unchanged"}): {sizes} images, {done.split.hash[:12]}')


if __name__ == '__main__':
    main()
