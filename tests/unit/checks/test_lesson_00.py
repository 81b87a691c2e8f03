"""Lesson 00: the right answers pass, and each slip is met by its own hint."""

import pytest
import torch

from course_lib.checks import lesson_00 as check


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_HOME", str(tmp_path))


def right_coins(probs, n, generator):
    return (torch.rand(n, len(probs), generator=generator) < probs).float()


def test_right_answers():
    assert check.ink(lambda x: x.mean((1, 2, 3))).status == "right"
    assert check.coins(right_coins).status == "right"


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (lambda x: x.sum((1, 2, 3)), "counts the ink"),
        (lambda x: x.mean(), "all images together"),
        (lambda x: x.mean(0), "over the images"),
        (lambda x: 1 - x.mean((1, 2, 3)), "blank paper"),
    ],
)
def test_slips_of_ink(answer, hint):
    verdict = check.ink(answer)
    assert verdict.status == "wrong"
    assert hint in verdict.hint


@pytest.mark.parametrize(
    ("answer", "hint"),
    [
        (lambda p, n, g: 1 - right_coins(p, n, g), "changed places"),
        (lambda p, n, g: right_coins(torch.full((4,), 0.5), n, g), "fair"),
        (lambda p, n, g: (torch.rand(n, 1, generator=g) < p).float(), "fall together"),
        (lambda p, n, g: torch.bernoulli(p.expand(n, -1)), "generator=generator"),
    ],
)
def test_slips_of_coins(answer, hint):
    verdict = check.coins(answer)
    assert verdict.status == "wrong"
    assert hint in verdict.hint


def test_probabilities_are_no_coins():
    verdict = check.coins(lambda p, n, g: p.expand(n, -1))
    assert verdict.status == "wrong"
    assert "whole numbers from 0 to 1" in verdict.text


def test_untried_and_raising():
    assert check.ink(lambda x: None).status == "not tried"
    assert check.coins(lambda probs, n, generator: None).status == "not tried"
    verdict = check.ink(lambda x: x.nothing_like_that)
    assert verdict.status == "raised"
    assert "x.nothing_like_that" in verdict.text
