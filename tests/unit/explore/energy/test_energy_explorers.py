"""Explorers of energy models: held pixels stay, chains go on where they ended, shares and estimates are those of the library."""

import runpy
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from course_lib import runtime
from course_lib.explore.energy.chains import STEPS, chain_player, held
from course_lib.explore.energy.rungs import pixels
from course_lib.models.energy.rbm import RBM

TABLE = runpy.run_path(str(Path(__file__).with_name("table.py")))["EXPLORERS"]


def same(one, two):
    return np.array_equal(np.asarray(one), np.asarray(two))


def test_what_is_held():
    drawn = np.zeros((4, 6), bool)
    drawn[1, 2] = True
    assert held("nothing", drawn) is None
    assert held("ink", drawn).sum() == 1
    assert held("ink", drawn)[0, 1, 2]
    assert held("upper", drawn)[0, :2].all()
    assert held("upper", drawn).sum() == 12
    assert held("left", drawn)[0, :, :3].all()
    assert held("left", drawn).sum() == 12


def test_every_control_of_the_chains_changes_the_picture():
    panel = TABLE["chains.chain_player"]()
    first = panel.render(**panel.values)
    ink = np.zeros((28, 28), bool)
    ink[5:20, 10] = True
    for change in (
        {"machine": "wider"},
        {"start": "noise"},
        {"steps": 3},
        {"more": 1},
        {"temperature": 2.0},
        {"hold": "upper"},
        {"start": "drawing"},
    ):
        assert not same(panel.render(**{**panel.values, **change}), first), change
    drawing = {**panel.values, "start": "drawing"}
    assert not same(panel.render(**{**drawing, "drawn": ink}), panel.render(**drawing))
    assert same(panel.render(**panel.values), first)


def test_more_steps_go_on_where_the_last_run_ended():
    with torch.random.fork_rng(devices=[]):
        machine = RBM(event_shape=(1, 6, 6), hidden=3, scale=1.0).requires_grad_(False)
    digits = (torch.rand(40, 1, 6, 6, generator=runtime.generator(0)) < 0.4).float()
    panel = chain_player({"one": machine}, digits)
    tiles = (slice(50, 330), slice(0, 320))
    ended = np.asarray(panel.render(**panel.values))[tiles]
    begins = np.asarray(panel.render(**{**panel.values, "more": 1, "steps": 0}))[tiles]
    assert panel.values["steps"] == STEPS
    assert np.array_equal(ended, begins)


def test_points_of_the_plane_stand_where_they_belong():
    (x, y), (right, top) = pixels(torch.tensor([[0.0, 0.6], [2.0, 2.1]]))
    assert x == pytest.approx(59)
    assert y == pytest.approx(59)
    assert right == pytest.approx(118)
    assert top == pytest.approx(0)


def test_the_ladder_and_the_bridge_follow_their_controls():
    for name, changes in {
        "rungs.ladder_of_temperatures": ({"rungs": 2}, {"ratio": 2.5}, {"steps": 10}),
        "both_sides.bridge": ({"machine": "wider"}, {"length": 2}, {"use": 3}),
    }.items():
        panel = TABLE[name]()
        first = panel.render(**panel.values)
        assert isinstance(first, Image.Image)
        for change in changes:
            assert not same(panel.render(**{**panel.values, **change}), first), (name, change)
