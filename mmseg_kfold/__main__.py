"""`python -m mmseg_kfold`."""

from mmseg_kfold import main

main()
