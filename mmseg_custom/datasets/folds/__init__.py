"""Folds: which images belong together, how they are split, the file that keeps it, the data set that reads it."""
