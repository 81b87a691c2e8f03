"""The kernel distance against a plain double sum, an independent kernel, and the mean over draws that "unbiased" promises."""

import pytest
import torch
from sklearn.metrics.pairwise import polynomial_kernel

from course_lib import runtime
from course_lib.metrics.kernel import kernel, kernel_distance
from course_lib.metrics.likelihood import mean_with_error


def points(n, seed, dimensions=4):
    return torch.randn(n, dimensions, generator=runtime.generator(seed), dtype=torch.float64)


def test_the_kernel_is_scikit_learns():
    x, y = points(5, 0), points(6, 1)
    assert torch.allclose(kernel(x, y), torch.from_numpy(polynomial_kernel(x, y, degree=3, coef0=1)))


@pytest.mark.parametrize("sizes", [(7, 9), (1_030, 1_100)])
def test_it_is_the_sum_over_pairs_of_different_examples(sizes):
    a, b = points(sizes[0], 0), points(sizes[1], 1) + 0.2
    within = [(kernel(x, x) * (1 - torch.eye(len(x)))).sum() / (len(x) * (len(x) - 1)) for x in (a, b)]
    assert kernel_distance(a, b) == pytest.approx((within[0] + within[1] - 2 * kernel(a, b).mean()).item(), rel=1e-9)


def test_it_is_unbiased_at_small_counts_where_the_plain_mean_of_all_pairs_is_not():
    """Ten examples against ten of the same distribution, 1,000 times: the mean is 0 within its error."""
    draws = [(points(10, 2 * seed), points(10, 2 * seed + 1)) for seed in range(1_000)]
    found = mean_with_error(torch.tensor([kernel_distance(a, b) for a, b in draws]))
    assert abs(found.mean) < 3 * found.standard_error
    plain = [kernel(a, a).mean() + kernel(b, b).mean() - 2 * kernel(a, b).mean() for a, b in draws]
    biased = mean_with_error(torch.stack(plain))
    assert biased.mean > 20 * biased.standard_error


def test_it_hits_the_exact_distance_of_two_gaussians():
    """In one dimension, E (xy + 1)³ = m3 m3' + 3 m2 m2' + 3 m1 m1' + 1 with the moments of both sides."""
    shift = 0.7
    moments = [[0, 1, 0], [shift, 1 + shift**2, shift**3 + 3 * shift]]

    def mean(i, j):
        return sum(w * p * q for w, p, q in zip([3, 3, 1], moments[i], moments[j], strict=True)) + 1

    exact = mean(0, 0) + mean(1, 1) - 2 * mean(0, 1)
    found = mean_with_error(
        torch.tensor([kernel_distance(points(20, 2 * seed, 1), points(20, 2 * seed + 1, 1) + shift) for seed in range(800)])
    )
    assert abs(found.mean - exact) < 3 * found.standard_error < 0.6 * exact


def test_wrong_features_are_refused():
    with pytest.raises(ValueError, match=r"expected \(N, \w\) with at least 2 examples"):
        kernel_distance(torch.zeros(5, 3), torch.zeros(5, 4))
    with pytest.raises(ValueError, match=r"expected \(N, \w\) with at least 2 examples"):
        kernel_distance(torch.zeros(1, 3), torch.zeros(5, 3))
