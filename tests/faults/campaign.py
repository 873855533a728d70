"""Kill a recipe many times and count: `python -m tests.faults.campaign --faults 200 --seed 0`."""

import argparse
import os
import tempfile
from pathlib import Path

import pytest


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--faults', type=int, default=200)
    parser.add_argument('--seed', type=int, default=0)
    args = parser.parse_args()
    os.environ.update(FAULTS=str(args.faults), SEED=str(args.seed))
    test = f'{Path(__file__).with_name("test_killed_recipe.py")}::test_campaign'
    with tempfile.TemporaryDirectory() as folder:
        raise SystemExit(pytest.main(['-m', 'slow', '--no-header', '-q', f'--basetemp={folder}/campaign', test]))


if __name__ == '__main__':
    main()
