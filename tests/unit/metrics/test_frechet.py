"""The Fréchet distance against closed forms, SciPy's matrix root, and the expected excess of small samples."""

import pytest
import scipy.linalg
import torch

from course_lib import runtime
from course_lib.metrics.frechet import frechet_at_infinity, frechet_distance, gaussian_frechet


def random_covariance(dimensions, seed):
    a = torch.randn(dimensions, dimensions + 2, generator=runtime.generator(seed), dtype=torch.float64)
    return a @ a.T / dimensions


def test_against_scipys_matrix_root():
    a, b = random_covariance(6, 0), random_covariance(6, 1)
    mean = torch.randn(2, 6, generator=runtime.generator(2), dtype=torch.float64)
    root = scipy.linalg.sqrtm((a @ b).numpy()).real.trace()
    expected = (mean[0] - mean[1]).square().sum() + a.trace() + b.trace() - 2 * root
    assert gaussian_frechet(mean[0], a, mean[1], b) == pytest.approx(expected.item(), rel=1e-9)
    assert gaussian_frechet(mean[1], b, mean[0], a) == pytest.approx(expected.item(), rel=1e-9)


def test_closed_forms():
    zero, one = torch.zeros(3), torch.eye(3)
    assert gaussian_frechet(zero, one, torch.tensor([3.0, 0, 4]), one) == pytest.approx(25)
    assert gaussian_frechet(zero, 4 * one, zero, 9 * one) == pytest.approx(3 * (3 - 2) ** 2)
    assert gaussian_frechet(zero, torch.zeros(3, 3), zero, 2 * one) == pytest.approx(6)  # singular
    assert gaussian_frechet(zero, one, zero, one) == pytest.approx(0, abs=1e-12)


def test_of_samples_it_is_that_of_their_fitted_gaussians():
    x = torch.randn(50, 4, generator=runtime.generator(0), dtype=torch.float64)
    y = 2 * torch.randn(80, 4, generator=runtime.generator(1), dtype=torch.float64) + 1
    moments = [(z.mean(0), (z - z.mean(0)).T @ (z - z.mean(0)) / (len(z) - 1)) for z in (x, y)]
    assert frechet_distance(x, y) == pytest.approx(gaussian_frechet(*moments[0], *moments[1]), rel=1e-9)
    assert frechet_distance(x, x) == pytest.approx(0, abs=1e-9)
    assert frechet_distance(x[:, :1], y[:, :1]) > 0


def test_with_fewer_samples_it_is_larger():
    def mean(n):
        pairs = [torch.randn(2, n, 8, generator=runtime.generator(seed)) for seed in range(20)]
        return sum(frechet_distance(*pair) for pair in pairs) / 20

    assert mean(20) > 3 * mean(200) > 0


@pytest.mark.parametrize("shapes", [((5, 3), (5, 4)), ((1, 3), (5, 3)), ((5,), (5,))])
def test_wrong_features_are_refused(shapes):
    with pytest.raises(ValueError, match=r"expected \(N, \w\) with at least 2 examples"):
        frechet_distance(*(torch.zeros(shape) for shape in shapes))
    with pytest.raises(ValueError, match=r"expected \(F,\) twice"):
        gaussian_frechet(torch.zeros(2), torch.eye(3), torch.zeros(2), torch.eye(3))


def test_the_line_leads_to_the_closed_form_and_its_slope_is_the_expected_excess():
    """Gaussians of standard deviations 1 and 2 on a line: the distance is (2 - 1)² = 1, and n examples add 7 / n to first order.

    The distance is (difference of means)² + (difference of standard deviations)². A mean has the variance σ²/n, a standard
    deviation σ²/2n; and the fitted one is too small by σ/4n, which takes (2 - 1)²/2n away: 1.5 (1 + 4) - 0.5 = 7.
    """
    x = torch.randn(8_000, 1, generator=runtime.generator(0), dtype=torch.float64)
    y = 2 * torch.randn(8_000, 1, generator=runtime.generator(1), dtype=torch.float64)
    found = frechet_at_infinity(x, y, counts=[20, 40, 80])
    assert found.counts == (20, 40, 80)
    assert found.limit == pytest.approx(1, abs=0.1)
    assert found.slope == pytest.approx(7, abs=1.5)
    assert found.distances[0] > found.distances[2] > found.limit


def test_at_infinity_equal_distributions_are_near_0_where_every_count_is_not():
    x, y = torch.randn(2, 4_000, 8, generator=runtime.generator(3))
    found = frechet_at_infinity(x, y)
    assert found.counts == (4_000, 2_000, 1_333, 1_000, 800)
    assert min(found.distances) == found.distances[0] > 0.01
    assert abs(found.limit) < 0.5 * found.distances[0]
    again = frechet_at_infinity(x, y, generator=runtime.generator(0))
    assert again == found
    assert frechet_at_infinity(x, y, generator=runtime.generator(1)) != found


@pytest.mark.parametrize("counts", [[10], [10, 10], [1, 10], [10, 200]])
def test_counts_that_give_no_line_are_refused(counts):
    with pytest.raises(ValueError, match="expected at least two different ones"):
        frechet_at_infinity(torch.zeros(100, 2), torch.zeros(120, 2), counts=counts)
