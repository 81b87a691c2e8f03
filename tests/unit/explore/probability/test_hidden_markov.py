"""The explorers of Markov chains and hidden Markov models, over the whole range of each control."""

import time

import numpy as np
import pytest
import torch

from course_lib.explore.kit.sheet import shade
from course_lib.explore.probability import hidden_markov
from course_lib.models.probability.hidden_markov import CategoricalHMM


def messages():
    model = CategoricalHMM(states=2, symbols=4, length=5, seed=1)
    return hidden_markov.message_stepper(model, ["abba", "c", "ab ca"], " abc", ["one", "two"])


BUILDERS = {"messages": messages, "mixing": lambda: hidden_markov.mixing(steps=50)}


@pytest.mark.parametrize("name", BUILDERS)
def test_every_control_over_its_whole_range(name):
    panel = BUILDERS[name]()
    sizes = {np.asarray(panel.render(**values)).shape for values in panel.sweep()}
    assert len(sizes) == 1  # the picture never jumps


@pytest.mark.parametrize("name", BUILDERS)
def test_every_control_moves_the_picture(name):
    panel = BUILDERS[name]()
    start = {control.name: control.first for control in panel.controls} | ({"step": 6} if name == "messages" else {})
    for control in panel.controls:
        pictures = {np.asarray(panel.render(**{**start, control.name: value})).tobytes() for value in control.values()}
        assert len(pictures) > 1, control.name


@pytest.mark.parametrize("name", BUILDERS)
def test_a_move_is_drawn_in_less_than_60_ms(name):
    panel = BUILDERS[name]()
    times = []
    for values in panel.sweep():
        began = time.process_time()
        panel.encode(panel.render(**values))
        times.append(time.process_time() - began)
    assert sorted(times)[len(times) // 2] < 0.06


def test_the_messages_drawn_are_the_models():
    panel = messages()
    before = np.asarray(panel.render(word="abba", step=0, numbers=False, path=False))
    after = np.asarray(panel.render(word="abba", step=8, numbers=False, path=False))
    cell = (slice(70, 80), slice(hidden_markov.LEFT + 5, hidden_markov.LEFT + 15))
    assert (before[cell] == 255).all()
    alpha = CategoricalHMM(states=2, symbols=4, length=5, seed=1).filter(torch.tensor([[1, 2, 2, 1]]))[0, 0, 0]
    assert tuple(after[cell][0, 0]) == shade("#0072B2", round(alpha.item(), 2))
