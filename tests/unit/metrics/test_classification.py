"""Accuracy and features: a batch at a time, on the model's device, with the binomial error."""

import math

import pytest
import torch
from torch import nn

from course_lib import runtime
from course_lib.metrics.classification import accuracy
from course_lib.metrics.features import features
from course_lib.models.classifier import FeatureClassifier


class _Threshold(nn.Module):
    """Class 1 where the single value of an example is above 0."""

    def logits(self, x):
        return torch.cat([torch.zeros_like(x), x], 1)


def test_accuracy_and_its_binomial_error():
    x = torch.tensor([1.0, 2.0, -1.0, 3.0, -5.0, 1.0, 1.0, 1.0, -1.0, -1.0])[:, None]
    y = torch.tensor([1, 1, 0, 1, 0, 1, 1, 1, 1, 1])  # the last two are wrong
    for batch_size in (1, 3, 500):
        found = accuracy(_Threshold(), x, y, batch_size=batch_size)
        assert found.mean == pytest.approx(80)
        assert found.n == 10
        assert found.standard_error == pytest.approx(100 * math.sqrt(0.8 * 0.2 / 10))
    assert str(found) == "80.00 ± 12.65 % correct (n = 10)"


def test_features_come_in_the_order_of_the_examples():
    torch.manual_seed(0)
    model = FeatureClassifier(event_shape=(1, 8, 8), channels=(2, 2, 2), width=5)
    x = torch.rand(7, 1, 8, 8, generator=runtime.generator(0))
    found = features(model, x, batch_size=3)
    assert not found.requires_grad
    torch.testing.assert_close(found, model.features(x).detach())


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_data_and_model_may_lie_on_different_devices():
    model = FeatureClassifier(event_shape=(1, 8, 8), channels=(2, 2, 2), width=5).to("cuda")
    x, y = torch.rand(7, 1, 8, 8), torch.zeros(7, dtype=torch.long)
    for data, labels in ((x, y), (x.to("cuda"), y.to("cuda")), (x, y.to("cuda"))):
        assert features(model, data).device.type == "cpu"
        assert accuracy(model, data, labels).n == 7


def test_refusals():
    x = torch.zeros(3, 1)
    for labels in (torch.zeros(3), torch.zeros(2, dtype=torch.long), torch.zeros(3, 1, dtype=torch.long)):
        with pytest.raises(ValueError, match="integer label"):
            accuracy(_Threshold(), x, labels)
    with pytest.raises(ValueError, match="at least 1 of them"):
        accuracy(_Threshold(), x[:0], torch.zeros(0, dtype=torch.long))
    with pytest.raises(ValueError, match="at least 1 of them"):
        features(FeatureClassifier(event_shape=(1, 8, 8)), torch.zeros(0, 1, 8, 8))
    with pytest.raises(ValueError, match="batch_size"):
        accuracy(_Threshold(), x, torch.zeros(3, dtype=torch.long), batch_size=0)
