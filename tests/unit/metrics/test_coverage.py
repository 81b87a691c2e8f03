"""Precision, recall, density and coverage: by hand on a line, by scikit-learn's neighbours, and on sets that cannot overlap."""

import numpy as np
import pytest
import torch
from sklearn.neighbors import NearestNeighbors

from course_lib import runtime
from course_lib.metrics.coverage import Overlap, overlap, radii


def line(*places):
    return torch.tensor(places, dtype=torch.float32)[:, None]


def test_by_hand_on_a_line():
    """k = 1; a ball contains its surface."""
    real = line(0, 1, 4)  # radii 1, 1, 3: balls [-1, 1], [0, 2], [1, 7]
    generated = line(0, 2, 20, 24)  # radii 2, 2, 4, 4: balls [-2, 2], [0, 4], [16, 24], [20, 28]
    assert radii(real, 1).tolist() == [1, 1, 3]
    assert radii(generated, 1).tolist() == [2, 2, 4, 4]
    # 0 lies in two real balls, 2 in two of them (on the surface of one), and 20 and 24 in none
    assert overlap(real, generated, k=1) == Overlap(precision=0.5, recall=1, density=1, coverage=1)


def test_precision_and_recall_change_places():
    a, b = torch.randn(2, 60, 3, generator=runtime.generator(0))
    there, back = overlap(a, 2 * b, k=3), overlap(2 * b, a, k=3)
    assert (there.precision, there.recall) == (back.recall, back.precision)
    assert there.precision < there.recall  # the wider cloud leaves the support, and covers it


@pytest.mark.parametrize("k", [1, 3, 5])
def test_against_scikit_learns_neighbours(k):
    real = torch.randn(1_150, 6, generator=runtime.generator(1))  # more than one chunk
    generated = 1.2 * torch.randn(1_070, 6, generator=runtime.generator(2)) + 0.3
    balls = [NearestNeighbors(n_neighbors=k).fit(x.numpy()).kneighbors()[0][:, -1] for x in (real, generated)]
    between = np.linalg.norm(real.numpy()[:, None] - generated.numpy(), axis=-1)
    found = overlap(real, generated, k=k)
    assert found.precision == pytest.approx((between <= balls[0][:, None]).any(0).mean(), abs=1e-3)
    assert found.recall == pytest.approx((between <= balls[1]).any(1).mean(), abs=1e-3)
    assert found.density == pytest.approx((between <= balls[0][:, None]).sum() / (k * len(generated)), abs=2e-3)
    assert found.coverage == pytest.approx((between <= balls[0][:, None]).any(1).mean(), abs=1e-3)
    assert torch.allclose(radii(real, k), torch.from_numpy(balls[0]).float(), atol=1e-4)


def test_equal_distributions_have_density_1_and_the_coverage_of_the_paper():
    """Naeem et al. (2020), section 3: the expected coverage is 1 - (N - 1) … (N - k) / ((2N - 1) … (2N - k)) at M = N."""
    n, k = 800, 5
    found = [overlap(*torch.randn(2, n, 4, generator=runtime.generator(seed)), k=k) for seed in range(6)]
    expected = 1 - np.prod([(n - i) / (2 * n - i) for i in range(1, k + 1)])
    assert np.mean([x.coverage for x in found]) == pytest.approx(expected, abs=0.01)
    assert np.mean([x.density for x in found]) == pytest.approx(1, abs=0.05)


def test_far_apart_nothing_overlaps():
    x = torch.randn(20, 2, generator=runtime.generator(0))
    assert overlap(x, x + 1_000, k=3) == Overlap(0, 0, 0, 0)


def test_an_outlier_inflates_precision_and_not_density():
    """The weakness that density was made for: one far real example owns a huge ball (Naeem et al. 2020, figure 2)."""
    real = torch.cat([torch.randn(200, 2, generator=runtime.generator(0)), torch.tensor([[40.0, 0.0]])])
    generated = torch.randn(200, 2, generator=runtime.generator(1)) + torch.tensor([25.0, 0.0])
    found = overlap(real, generated, k=5)
    assert found.precision == 1
    assert found.density == pytest.approx(0.2)


def test_an_example_is_no_neighbour_of_itself_and_constant_features_are_all_inside():
    alike = torch.full((7, 3), 123.4)
    assert radii(alike, 2).tolist() == [0] * 7
    assert overlap(alike, alike, k=2) == Overlap(precision=1, recall=1, density=3.5, coverage=1)


def test_wrong_features_are_refused():
    with pytest.raises(ValueError, match="at least 6 examples"):
        overlap(torch.zeros(5, 2), torch.zeros(9, 2), k=5)
    with pytest.raises(ValueError, match="at least 3 examples"):
        radii(torch.zeros(5, 1, 8, 8), 2)
    with pytest.raises(ValueError, match=r"generated has shape \(9, 3\); expected \(N, 2\)"):
        overlap(torch.zeros(9, 2), torch.zeros(9, 3), k=5)
    with pytest.raises(ValueError, match="k"):
        overlap(torch.zeros(9, 2), torch.zeros(9, 2), k=0)
