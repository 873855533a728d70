"""Experiments on what staged K-fold fusion is worth."""
