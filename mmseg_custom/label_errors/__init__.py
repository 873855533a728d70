"""Where the folds contradict the labels: confident learning, connected components, files for annotators."""
