"""Lesson 00: the right answers pass, and each slip is met by its own hint."""

import torch
from frame import frame

from course_lib.checks import lesson_00 as check


def right_coins(probs, n, generator):
    return (torch.rand(n, len(probs), generator=generator) < probs).float()


RIGHT = {check.ink: lambda x: x.mean((1, 2, 3)), check.coins: right_coins}
WRONG = [
    (check.ink, lambda x: x.sum((1, 2, 3)), "counts the ink"),
    (check.ink, lambda x: x.mean(), "all images together"),
    (check.ink, lambda x: x.mean(0), "over the images"),
    (check.ink, lambda x: 1 - x.mean((1, 2, 3)), "blank paper"),
    (check.ink, lambda x: x.sum((1, 2, 3)) / 784, "divided by 784"),
    (check.ink, lambda x: x.sum((1, 2, 3)) / x.shape[3], "the width alone"),
    (check.coins, lambda p, n, g: (torch.rand(len(p), generator=g) < p).float().expand(n, -1), "all draws are alike"),
    (check.coins, lambda p, n, g: (p > 0.5).expand(n, -1), "all draws are alike"),
    (check.coins, lambda p, n, g: 1 - right_coins(p, n, g), "changed places"),
    (check.coins, lambda p, n, g: right_coins(torch.full((4,), 0.5), n, g), "fair"),
    (check.coins, lambda p, n, g: (torch.rand(n, 1, generator=g) < p).float(), "fall together"),
    (check.coins, lambda p, n, g: torch.bernoulli(p.expand(n, -1)), "generator=generator"),
]

TestLesson00 = frame(check, RIGHT, WRONG)


def test_probabilities_are_no_coins():
    verdict = check.coins(lambda p, n, g: p.expand(n, -1), record=False)
    assert verdict.status == "wrong"
    assert "whole numbers from 0 to 1" in verdict.text


def test_draws_of_another_shape_are_told_their_shape():
    verdict = check.coins(lambda p, n, g: torch.rand(len(p), generator=g).lt(p).float(), record=False)
    assert verdict.status == "wrong"
    assert "shape" in verdict.text
