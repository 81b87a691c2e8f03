"""The area under the ROC curve against scikit-learn's, and an autoencoder's error against its definition."""

import pytest
import torch
from sklearn.metrics import roc_auc_score

from course_lib import runtime
from course_lib.metrics.detection import auroc, auroc_by_draw
from course_lib.metrics.reconstruction import errors, mean_error
from course_lib.models.latent.autoencoder import Autoencoder
from course_lib.models.latent.pca import PCA
from course_lib.training.measures import SMOKE_EXAMPLES, measured
from course_lib.training.recipes import recipe


def test_auroc_is_scikit_learns_ties_and_all():
    g = runtime.generator(0)
    for _ in range(3):
        ordinary, odd = torch.randint(0, 9, (40,), generator=g).float(), torch.randint(3, 12, (25,), generator=g).float()
        oracle = roc_auc_score([0] * 40 + [1] * 25, torch.cat([ordinary, odd]).numpy())
        assert auroc(ordinary, odd) == pytest.approx(oracle)
    assert auroc(torch.tensor([1.0, 2.0]), torch.tensor([3.0])) == 1
    assert auroc(torch.tensor([1.0, 2.0]), torch.tensor([0.0])) == 0
    assert auroc(torch.tensor([1.0, 2.0]), torch.tensor([1.0, 2.0])) == 0.5


@pytest.mark.parametrize("bad", [torch.zeros(0), torch.zeros(2, 2), torch.tensor([torch.nan])])
def test_auroc_names_bad_scores(bad):
    with pytest.raises(ValueError, match="odd has"):
        auroc(torch.zeros(3), bad)


def test_errors_are_sums_over_the_pixels_of_each_example():
    x = torch.rand(7, 1, 4, 4, generator=runtime.generator(0))
    for model in (Autoencoder(event_shape=(1, 4, 4), latent=2, widths=(3,)), PCA(event_shape=(1, 4, 4), latent=2).estimate(x)):
        with torch.no_grad():
            by_hand = torch.stack([(one - model.reconstruct(one[None])[0]).square().sum() for one in x])
        torch.testing.assert_close(errors(model, x, batch_size=3), by_hand)
        assert mean_error(model, x).mean == pytest.approx(by_hand.double().mean().item())


@pytest.mark.parametrize("name", ["ae-mnist-2", "vq-faces"])
def test_autoencoders_are_measured_by_their_squared_error_and_by_no_nats(name):
    chosen = recipe(name)
    model = chosen.build().eval()
    found = measured(model, chosen, "smoke")
    expected = mean_error(model, chosen.measured_data().x[:SMOKE_EXAMPLES])
    assert found == {
        "test_squared_error": round(expected.mean, 4), "standard_error": round(expected.standard_error, 4), "n": SMOKE_EXAMPLES
    }  # fmt: skip


def test_draws_are_disjoint_parts_in_order():
    g = runtime.generator(4)
    a, b = torch.randn(23, generator=g), torch.randn(31, generator=g)
    found = auroc_by_draw(a, b, draws=3)
    assert found[0].item() == pytest.approx(auroc(a[:8], b[:11]))
    assert found[2].item() == pytest.approx(auroc(a[16:], b[21:]))
    with pytest.raises(ValueError, match="at least 40"):
        auroc_by_draw(a, b, draws=40)
