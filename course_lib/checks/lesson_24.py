"""Exercises of lesson 24, evaluation: units, a mixture with noise, and the scores of two sets of features."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from course_lib.checks.overlaps import overlap
from course_lib.checks.report import Slip, Verdict, grade
from course_lib.checks.two_sets import frechet, infinity, kernel_score

__all__ = ["EXERCISES", "frechet", "infinity", "kernel_score", "mixture", "overlap", "units"]

EXERCISES = {
    "24.1": "nats, bits per dimension, perplexity",
    "24.2": "a model that is mostly noise",
    "24.3": "the Fréchet distance of two sets of features",
    "24.4": "the Fréchet distance at infinity",
    "24.5": "the unbiased kernel distance",
    "24.6": "precision, recall, density and coverage",
}


def units(attempt, *, record: bool = True) -> Verdict:
    """24.1 attempt(nats_per_image, dimensions, nats_per_character, characters_per_word) -> three numbers.

    bits per dimension of the image, perplexity per character, perplexity per word.
    """
    log2 = math.log(2)

    def truth(nats: float, D: int, per_character: float, length: float) -> tuple[Tensor, ...]:
        return tuple(
            torch.tensor(value) for value in (nats / D / log2, math.exp(per_character), math.exp(per_character * length))
        )

    def but(**changed):
        """The truth with some of the three parts computed by other functions of the same arguments."""

        def wrong(*case: float) -> tuple[Tensor, ...]:
            parts = dict(zip(("bits", "character", "word"), truth(*case), strict=True))
            return tuple((parts | {name: torch.tensor(f(*case)) for name, f in changed.items()}).values())

        return wrong

    two = {"character": lambda n, D, c, w: 2**c, "word": lambda n, D, c, w: 2 ** (c * w)}
    slips = (
        Slip(but(bits=lambda n, D, c, w: n / D * log2),
             "the base: a nat is 1 / log 2 = 1.44 bits, so that bits are more than nats: divide by log 2."),
        Slip(but(bits=lambda n, D, c, w: n / D), "that is nats per dimension: divide by log 2 for bits."),
        Slip(but(bits=lambda n, D, c, w: n * D / log2), "divide by the number of dimensions, not multiply."),
        Slip(but(character=lambda n, D, c, w: c / log2, word=lambda n, D, c, w: c * w / log2),
             "those are bits; the perplexity is e to the power of the nats."),
        Slip(but(bits=lambda n, D, c, w: n / log2), "that is bits per image: divide by the number of dimensions."),
        Slip(but(bits=lambda n, D, c, w: -n / D / log2), "the sign: the nats given are −log p already, and bits are positive."),
        Slip(but(bits=lambda n, D, c, w: n / D / math.log(10)), "that is the logarithm to base 10; a bit has base 2."),
        Slip(but(bits=lambda n, D, c, w: math.log2(n / D)), "bits are a multiple of nats, not their logarithm."),
        Slip(but(**two), "the base: 2 to the power of bits, or e to the power of nats. Those are nats."),
        Slip(but(character=two["character"]), "the base: 2 to the power of bits, or e to the power of nats. Those are nats."),
        Slip(but(character=lambda n, D, c, w: math.exp(-c), word=lambda n, D, c, w: math.exp(-c * w)),
             "that is the geometric mean of the probabilities; the perplexity is 1 over it, at least 1."),
        Slip(but(word=lambda n, D, c, w: w * math.exp(c)),
             "the probabilities of the characters multiply: add their nats first, then take exp."),
        Slip(but(word=lambda n, D, c, w: math.exp(c / w)), "a word holds many characters and needs more nats than one of them."),
        Slip(but(word=lambda n, D, c, w: math.exp(c)),
             "a word needs the nats of all its characters: perplexities per character and per word differ."),
    )  # fmt: skip
    cases = [(87.1, 784, 1.13, 5.5), (12.0, 20, 2.2, 4.0)]
    return grade("24.1", attempt, truth, cases, slips, record=record)


def mixture(attempt, *, record: bool = True) -> Verdict:
    """24.2 attempt(log_p (N,), log_noise (N,), share) -> (log q (N,), the most nats that q can lose against p).

    q draws from p with probability `share`, and from the noise otherwise.
    """

    def truth(log_p: Tensor, log_noise: Tensor, share: float) -> tuple[Tensor, Tensor]:
        log_q = torch.logaddexp(math.log(share) + log_p, math.log1p(-share) + log_noise)
        return log_q, torch.tensor(-math.log(share))

    def but(log_q=None, bound=None):
        def wrong(*case) -> tuple[Tensor, Tensor]:
            right = truth(*case)
            return (log_q(*case) if log_q else right[0]), (torch.tensor(bound(case[2])) if bound else right[1])

        return wrong

    def in_the_open(p: Tensor, noise: Tensor, s: float) -> Tensor:
        return (s * p.exp() + (1 - s) * noise.exp()).log()

    slips = (
        Slip(but(in_the_open), "exp(−120) is 0 in single precision, and its log is −∞: use torch.logaddexp."),
        Slip(but(lambda p, noise, s: s * p + (1 - s) * noise),
             "that mixes the logarithms. A mixture adds probabilities: log of (share · p + (1 − share) · noise)."),
        Slip(but(lambda p, noise, s: torch.logaddexp(s * p, (1 - s) * noise)),
             "a share multiplies the probability, so its logarithm is added to log p."),
        Slip(but(lambda p, noise, s: torch.logaddexp(p, noise)), "the shares are missing: q must sum to 1."),
        Slip(but(lambda p, noise, s: math.log(s) + p), "that leaves the noise out; it is the bound, not log q."),
        Slip(but(lambda p, noise, s: truth(p, noise, 1 - s)[0]), "the shares have changed places: `share` is that of p."),
        Slip(but(lambda p, noise, s: torch.maximum(math.log(s) + p, math.log1p(-s) + noise)),
             "that keeps the larger of the two; a mixture adds both."),
        Slip(but(lambda p, noise, s: -truth(p, noise, s)[0]), "log q, not −log q."),
        Slip(but(bound=lambda s: math.log(s)), "what q loses is a positive number of nats: −log share."),
        Slip(but(bound=lambda s: -math.log(1 - s)), "even if the noise gives 0 everywhere, share · p is left: −log share."),
        Slip(but(bound=lambda s: -math.log2(s)), "nats, not bits: the natural logarithm."),
        Slip(but(bound=lambda s: 1 / s), "that is the factor; in nats it is the logarithm of the factor."),
    )  # fmt: skip
    p, noise = torch.tensor([-3.0, -2.0, -5.0]), torch.tensor([-4.0, -6.0, -1.0])
    cases = [(p, noise, 0.3), (p - 120, noise - 500, 0.01)]
    return grade("24.2", attempt, truth, cases, slips, record=record)
