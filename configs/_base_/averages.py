# Every average of a stage's folds, with and without batch norm statistics measured anew; the path from the last
# winner to their average, and the folds side by side.
kinds = ('all_folds', 'top_k', 'score_weighted', 'greedy_soup')
candidates = ['best_fold', *(dict(type=kind, bn='both') for kind in kinds), 'path', 'ensemble']
