"""The command `mmseg-kfold` in a checkout: `python tools/kfold.py run my_config.py --folds 5`."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from mmseg_kfold import main

if __name__ == '__main__':
    main()
