"""A scorer without network and images."""

from mmseg_custom.fusion.weight_scorer import Scored


def scorer_of(score, matrices=None, orders=None):
    """Scores every state dict by `score(weights)`; `matrices(weights)` are those of its images, if given."""

    def scorer(order):
        if orders is not None:
            orders.append(order)
        scored = {}
        for name, weights in order.weights.items():
            found = {part: matrices(weights) for part in order.parts} if matrices else {}
            anew = (weights, {'split': 'train', 'images': 8}) if name in order.recalibrated else ()
            scored[name] = Scored({part: {'mIoU': score(weights)} for part in order.parts}, found, *anew)
        if order.ensemble:
            scored['ensemble'] = Scored({part: {'mIoU': 99.0} for part in order.parts})
        return scored

    return scorer
