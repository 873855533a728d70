"""K folds of any config: its folds, its stage config, what the folds come to together."""
