"""The explorers of Part I, for the sweep over all controls."""


def _one_bump():
    from course_lib.explore.probability.divergences import one_bump

    return one_bump()


def _fit_by_hand():
    from course_lib.datasets import load
    from course_lib.explore.probability.density import fit_by_hand

    return fit_by_hand(load("old_faithful").x[:, 0], title="durations", unit="minutes")


def _message_stepper():
    from course_lib.explore.probability.hidden_markov import message_stepper
    from course_lib.models.probability.hidden_markov import CategoricalHMM

    model = CategoricalHMM(states=2, symbols=4, length=5, seed=1)
    return message_stepper(model, ["abba", "c", "ab ca"], " abc", ["one", "two"])


def _mixing():
    from course_lib.explore.probability.hidden_markov import mixing

    return mixing(steps=50)


def _factorisation(name: str):
    from course_lib.explore.probability import factorisation
    from course_lib.models.probability.enumeration import all_states

    x = all_states(9)[:400].reshape(-1, 1, 3, 3)
    return getattr(factorisation, name)(x[:300], x[300:])


def _points():
    import torch

    from course_lib import runtime

    g = runtime.generator(0)
    return torch.randn(40, 2, generator=g) + 4 * torch.randint(2, (40, 1), generator=g)


def _em_stepper():
    from course_lib.explore.probability.mixtures import em_stepper

    return em_stepper(_points(), steps=5, most=3)


def _choose_components():
    from course_lib.explore.probability.mixtures import choose_components

    return choose_components(_points()[:20], _points()[20:], most=3)


EXPLORERS = {
    "density.fit_by_hand": _fit_by_hand,
    "divergences.one_bump": _one_bump,
    "factorisation.draw_factorisation": lambda: _factorisation("draw_factorisation"),
    "factorisation.training_size": lambda: _factorisation("training_size"),
    "hidden_markov.message_stepper": _message_stepper,
    "hidden_markov.mixing": _mixing,
    "mixtures.em_stepper": _em_stepper,
    "mixtures.choose_components": _choose_components,
}
