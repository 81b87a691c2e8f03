"""Explorers of lesson 03: the parents drawn, and the numbers shown against the library's own."""

import pytest
import torch

from course_lib import runtime
from course_lib.explore.probability import factorisation
from course_lib.metrics.likelihood import negative_log_likelihood
from course_lib.models.probability.enumeration import all_states
from course_lib.models.probability.tables import BayesianNetwork, FullTable, MarkovTable

SHAPE = (1, 3, 3)


def patches(n, seed=0):
    generator = runtime.generator(seed)
    chosen = torch.multinomial(torch.rand(512, generator=runtime.generator(9)) ** 6, n, replacement=True, generator=generator)
    return all_states(9)[chosen].reshape(n, *SHAPE)


TRAIN, TEST = patches(700), patches(300, seed=1)
PANELS = {"draw": factorisation.draw_factorisation, "size": lambda x, y: factorisation.training_size(x, y, repeats=1)}


@pytest.mark.parametrize("order", factorisation.ORDERS)
@pytest.mark.parametrize("memory", factorisation.MEMORIES.values())
def test_parents_come_before_their_pixel(order, memory):
    parents = factorisation.parents_of(factorisation.ORDERS[order], memory, factorisation.NEIGHBOURS)
    network = BayesianNetwork(event_shape=SHAPE, parents=parents, order=factorisation.ORDERS[order])
    plain = factorisation.parents_of(factorisation.ORDERS[order], memory)
    assert all(set(few) <= set(many) for few, many in zip(plain, parents, strict=True))
    expected = 9 if memory == 0 else MarkovTable(event_shape=SHAPE, memory=memory).parameter_count
    assert sum(2 ** len(given) for given in plain) == expected <= network.parameter_count


def test_neighbours_by_hand():
    raster = range(9)
    assert factorisation.parents_of(raster, 0, ["above"]) == [[], [], [], [0], [1], [2], [3], [4], [5]]
    assert factorisation.parents_of(raster, 1, ["left"])[3] == [2]  # the first of a row has no left neighbour
    assert factorisation.parents_of(raster, 0, ["above_right"])[4] == [2]
    assert factorisation.parents_of(factorisation.ORDERS["snake"], 0, ["left"])[3] == []  # 4 comes first there


@pytest.mark.parametrize("name", PANELS)
def test_every_control_over_its_whole_range(name):
    panel = PANELS[name](TRAIN, TEST)
    figures = {id(panel.render(**values)) for values in panel.sweep()}
    assert len(figures) == 1  # one figure, its artists updated


def test_the_drawing_shows_the_librarys_numbers():
    panel = factorisation.draw_factorisation(TRAIN, TEST)
    start = next(panel.sweep())
    for memory, model in (("the 1 before it", MarkovTable(event_shape=SHAPE)), ("all before it", None)):
        made = panel.render(**{**start, "memory": memory})
        model = model or BayesianNetwork(event_shape=SHAPE, parents=[list(range(d)) for d in range(9)])
        cost = negative_log_likelihood(model.estimate(TRAIN, smoothing=1.0), TEST)
        assert f"{model.parameter_count} parameters" in made.alt
        assert f"{cost.mean:.2f} held-out nats" in made.alt
    before = panel.encode(panel.render(**start))
    assert panel.encode(panel.render(**{**start, "again": 1})) != before
    assert panel.encode(panel.render(**start)) == before


def test_curves_are_the_librarys_numbers():
    held = factorisation._Patches(TRAIN, TEST)
    models = {"Markov": MarkovTable(event_shape=SHAPE), "full": FullTable(event_shape=SHAPE)}
    curves = factorisation.size_curves(held, [20, 320], models, 1)
    chosen = TRAIN[torch.randperm(len(TRAIN), generator=runtime.generator(0))]
    for m, model in enumerate(models.values()):
        for k, size in enumerate((20, 320)):
            model.estimate(chosen[:size], smoothing=factorisation.SMOOTHINGS[2])
            expected = {"held out": TEST, "training": chosen[:size]}
            for name, x in expected.items():
                assert curves[name][2, m, k].item() == pytest.approx(negative_log_likelihood(model, x).mean, abs=1e-4)
    assert curves["held out"][0, 1, 0] == torch.inf  # the unsmoothed table meets what it never saw


def test_too_few_patches():
    with pytest.raises(ValueError, match="at least 20"):
        factorisation.training_size(TRAIN[:12], TEST)
