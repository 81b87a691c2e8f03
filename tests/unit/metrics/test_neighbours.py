"""Nearest neighbours and close pairs against scikit-learn and SciPy."""

import pytest
import torch
from scipy.spatial.distance import pdist
from sklearn.neighbors import NearestNeighbors

from course_lib import runtime
from course_lib.metrics.neighbours import Neighbours, close_pairs, nearest


def points(n, seed, shape=(3, 4)):
    return torch.randn(n, *shape, generator=runtime.generator(seed))


@pytest.fixture
def oracle():
    among = points(1_300, 1)
    return among, NearestNeighbors(n_neighbors=1).fit(among.flatten(1).numpy())


def test_nearest_is_scikit_learns(oracle):
    among, trained = oracle
    x = points(700, 2)
    distances, indices = trained.kneighbors(x.flatten(1).numpy())
    found, where = nearest(x, among)
    assert torch.equal(where, torch.from_numpy(indices[:, 0]))
    assert torch.allclose(found, torch.from_numpy(distances[:, 0]).float(), atol=1e-5)


@pytest.mark.parametrize("directions", [1, 3, 100])
def test_the_fast_search_is_exact_however_few_directions_it_has(oracle, directions):
    """With one direction, the bound rules out little: the search must go on until it is sure."""
    among, trained = oracle
    search = Neighbours(among, directions=directions)
    for x in points(40, 3):
        distances, indices = trained.kneighbors(x.flatten()[None].numpy())
        distance, index = search(x)
        assert index == indices[0, 0]
        assert distance == pytest.approx(distances[0, 0], abs=1e-5)


def test_a_point_that_is_there_is_at_distance_0():
    among = points(300, 4)
    assert Neighbours(among)(among[17]) == (0.0, 17)
    distances, indices = nearest(among, among)
    assert distances.amax() == 0
    assert torch.equal(indices, torch.arange(300))


@pytest.mark.parametrize("n", [40, 1_130])
def test_close_pairs_are_scipys(n):
    x = points(n, 5).double()
    distances = torch.from_numpy(pdist(x.float().flatten(1).numpy()))
    within = distances.sort().values[[len(distances) // 100, len(distances) // 100 + 1]].mean().item()  # between two of them
    assert close_pairs(x, within) == int((distances <= within).sum())


def test_bytes_do_not_overflow():
    x, among = torch.tensor([[200, 0]], dtype=torch.uint8), torch.tensor([[0, 0], [255, 0]], dtype=torch.uint8)
    distance, index = nearest(x, among)
    assert (distance.item(), index.item()) == (55.0, 1)


def test_other_shapes_are_refused():
    with pytest.raises(ValueError, match="as many in both"):
        nearest(torch.zeros(2, 3), torch.zeros(2, 4))
    with pytest.raises(ValueError, match="at least one"):
        close_pairs(torch.zeros(0, 3), 1.0)
