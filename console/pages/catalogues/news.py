"""What the learner tells those who look after it, as patterns: notices, another champion, answers to decisions."""

from __future__ import annotations

__all__ = ["NEWS"]

NEWS = (
    # what became of decisions
    "nobody has promoted a model by hand; the rule chooses already",
    "the rule chooses again; %(model)s is the champion until it finds a better one",
    "there is no checkpoint %(name)s; there are %(name_2)s",
    "what was learned is that of checkpoint %(n)s, of %(n_2)s examples",
    "there is no model %(name)s; there are %(name_2)s",
    "%(model)s has not learned enough to be the champion", "%(model)s is the champion until it is released",
    # another champion
    "%(model)s is the champion instead of %(model_2)s: %(whose)s",
    "the others are worse than the rules on the short label", "BG/NBD fits the orders seen so far",
    "the hazard is worse", "the hazard has the lowest loss on the short label",
    "the hazard has the lowest loss on the short label, and the stack says what it and others say",
    "%(model)s is refused: %(whose)s",
    "on the latest outcomes of the whole churn horizon, %(n)s in all, it tells who leaves worse than the rules do: "
    "AUC %(n_2)s against %(n_3)s",
    "log loss on the whole horizon lower by %(n)s in the latest %(n_2)s blocks, %(n_3)s labels",
    "promoted by %(name)s", "released by %(name)s", "decided by %(name)s",
    "%(whose)s; %(model)s, promoted by %(name)s, has nothing to say now, so the rule chooses again",
    "the churn horizon has changed",
    # labels that cannot decide
    "the label horizon of %(name)s is shorter than the usual gap between orders: %(percent)s of the latest gaps fit "
    "into it, half of them into %(name_2)s. Such labels cannot tell who leaves, so the hazard, which learns from them, "
    "is refused until labels of the whole horizon have proved it. `rapport models horizon` recommends a label horizon",
    # back to what was learned before, and anew
    "what was learned is set back to %(whose)s, from %(n)s examples to %(n_2)s: %(whose_2)s",
    "checkpoint %(n)s", "the beginning",
    "a weight of the model %(name)s is not finite",
    "the weights of the model %(name)s have jumped from a norm of %(n)s to %(n_2)s",
    "calibration error %(n)s on the latest examples, where the checkpoint %(n_2)s has %(n_3)s",
    "%(whose)s began anew: %(whose_2)s; %(n)s training records are of no use any more",
    "learning", "learning from labels of the whole horizon",
    "it was learned by another version of Rapport", "this version of Rapport computes other features",
    "this version of Rapport has other models", "the plan means something else by it than before",
    "the plan's %(name)s is %(name_2)s, and was %(name_3)s",
    # drift
    "customers order %(more)s than the models have learned: %(more_2)s were active in their last week (%(percent)s "
    "before, %(percent_2)s since), and %(more_3)s ordered than the hazard foresaw (off by %(percent_3)s before, "
    "%(percent_4)s since)",
    "%(whose)s; most in the segments %(name)s", "%(whose)s; over the whole horizon, customers %(whose_2)s",
    "customers %(whose)s leave %(n)s times as often as before, since about %(date)s (all others %(n_2)s times)",
    # a grown model, and the leaving score
    "the %(model)s model that `rapport models refit` sent is not taken up: %(name)s",
    "the leaving score is told %(whose)s: in hindsight its log loss is %(n)s with causes, %(n_2)s without",
    "with what is known of causes", "by orders and visits alone",
    # what stands behind a score
    "a scorecard for companies, of which no model has learned",
)  # fmt: skip
"""Each pattern, with the kind of each part as its name, as in `phrases`."""
