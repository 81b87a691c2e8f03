"""Simple classifiers of features: against scikit-learn's, and the draws of labels."""

import pytest
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier

from course_lib import runtime
from course_lib.metrics.probes import (
    activations,
    draw_labelled,
    linear_by_draw,
    linear_probe,
    nearest_by_draw,
    nearest_label,
)


def clouds(n=60, classes=3, features=4):
    generator = runtime.generator(0)
    y = torch.arange(n) % classes
    return torch.randn(n, features, generator=generator) + 1.5 * torch.nn.functional.one_hot(y, features), y


def test_the_probe_is_scikit_learns_logistic_regression():
    x, y = clouds()
    decay = 0.05
    probe = linear_probe(x, y, classes=3, decay=decay)
    rows = ((x - x.mean(0)) / x.std(0, unbiased=False)).numpy()
    theirs = LogisticRegression(C=1 / (2 * decay * len(x)), tol=1e-8, max_iter=1000).fit(rows, y.numpy())
    ours = torch.softmax(probe.logits(x), 1).numpy()
    assert abs(ours - theirs.predict_proba(rows)).max() < 1e-3
    assert probe.percent_correct(x, y) == pytest.approx(100 * theirs.score(rows, y.numpy()))


def test_a_constant_feature_changes_nothing_and_gradients_may_be_off():
    x, y = clouds()
    with torch.no_grad():
        one, two = (linear_probe(part, y, classes=3) for part in (x, torch.cat([x, torch.ones(len(x), 1)], 1)))
    torch.testing.assert_close(one.logits(x), two.logits(torch.cat([x, torch.ones(len(x), 1)], 1)), atol=1e-3, rtol=1e-3)
    assert not one.weight.requires_grad


@pytest.mark.parametrize("k", [1, 5])
def test_nearest_labels_are_scikit_learns(k):
    x, y = clouds()
    theirs = KNeighborsClassifier(k).fit(x[:40].numpy(), y[:40].numpy()).predict(x[40:].numpy())
    assert nearest_label(x[40:], x[:40], y[:40], k=k).tolist() == theirs.tolist()


def test_draws_have_equally_many_of_each_class():
    y = torch.tensor([0, 2, 1, 2, 1, 0, 0, 2, 1, 1])
    rows = draw_labelled(y, 6, seed=0)
    assert y[rows].bincount().tolist() == [2, 2, 2]
    assert len(set(rows.tolist())) == 6
    assert torch.equal(rows, draw_labelled(y, 6, seed=0))
    assert not torch.equal(rows, draw_labelled(y, 6, seed=1))


def test_odd_input_is_refused():
    x, y = clouds()
    for change in ({"x": x[0]}, {"y": y[:5]}, {"y": y.float()}, {"y": y + 1}):
        with pytest.raises(ValueError, match="expected"):
            linear_probe(**{"x": x, "y": y, "classes": 3, **change})
    with pytest.raises(ValueError, match="multiple"):
        draw_labelled(y, 7, seed=0)
    with pytest.raises(ValueError, match="expected"):
        nearest_label(x, x, y, k=61)


def test_activations_are_what_the_layer_gives():
    torch.manual_seed(0)
    network = torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.Tanh(), torch.nn.Linear(3, 2))
    x, _ = clouds()
    found = activations(network[1], network, x, batch_size=7)
    torch.testing.assert_close(found, torch.tanh(network[0](x)).detach())
    assert not network[1]._forward_hooks
    with pytest.raises(ValueError, match="once on each"):
        activations(torch.nn.Tanh(), network, x)


def test_each_draw_learns_from_its_own_rows():
    x, y = clouds()
    draws = [torch.arange(6), torch.arange(30, 51)]
    found = linear_by_draw(x, y, draws, x, y)
    assert found[1].item() == pytest.approx(linear_probe(x[30:51], y[30:51]).percent_correct(x, y))
    assert found[0].item() == pytest.approx(linear_probe(x[:6], y[:6]).percent_correct(x, y))
    near = nearest_by_draw(x, y, [torch.arange(60), torch.tensor([4])], x, y)
    assert near[0] == 100
    assert near[1].item() == pytest.approx(100 / 3)  # every example gets the label of the only known one
