"""Hidden Markov models against the enumeration of all paths: inference, learning, samples, long and impossible sequences."""

import itertools
import math

import pytest
import torch
from small_hmms import MODELS, K, M, categorical, gaussian, ragged

from course_lib import runtime
from course_lib.models.probability import forward_backward as fb
from course_lib.models.probability.hidden_markov import CategoricalHMM
from course_lib.models.probability.hidden_markov_gaussian import GaussianHMM
from course_lib.models.probability.markov_chain import pad
from course_lib.models.protocols import configuration


@pytest.fixture(params=MODELS)
def model(request):
    return MODELS[request.param]()


def all_paths(length: int) -> torch.Tensor:
    return torch.tensor(list(itertools.product(range(K), repeat=length)))


def joint_over_paths(model, row: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Every path of one sequence and log p(x, path), written out as a product with no recursion."""
    paths = all_paths(len(row))
    total = model.initial.log()[paths[:, 0]]
    for t in range(1, len(row)):
        total = total + model.transition.log()[paths[:, t - 1], paths[:, t]]
    for t, value in enumerate(row):
        if isinstance(model, CategoricalHMM):
            emitted = model.emission[:, value].log()
        else:
            normal = torch.distributions.Normal(model.mean, model.log_scale.exp())
            emitted = normal.log_prob(value.reshape(-1)).sum(1)
        total = total + emitted[paths[:, t]]
    return paths, total


def test_everything_equals_the_enumeration_of_paths(model):
    rows, x = ragged(model)
    log_prob, posterior, filtered = model.log_prob(x), model.posterior(x), model.filter(x)
    path, best = model.viterbi(x)
    pairs = torch.zeros(K, K, dtype=torch.double)
    for b, row in enumerate(rows):
        paths, joint = joint_over_paths(model, row)
        assert torch.allclose(log_prob[b], joint.logsumexp(0), rtol=1e-10)
        weight = joint.softmax(0)
        states = torch.nn.functional.one_hot(paths, K).double()  # (paths, T, K)
        assert torch.allclose(posterior[b, : len(row)], torch.einsum("p,ptk->tk", weight, states), atol=1e-10)
        found = (paths == path[b, : len(row)]).all(1)
        assert torch.allclose(joint[found], joint.max())  # where two paths are equally probable, either will do
        assert torch.allclose(best[b], joint.max())
        pairs += torch.einsum("p,pti,ptj->ij", weight, states[:, :-1], states[:, 1:])
        for t in range(len(row)):
            short, so_far = joint_over_paths(model, row[: t + 1])
            last = torch.zeros(K, dtype=torch.double).index_add_(0, short[:, -1], so_far.softmax(0))
            assert torch.allclose(filtered[b, t], last, atol=1e-10)
    assert torch.allclose(model.messages(x).pairs, pairs, atol=1e-10)


def test_log_joint_of_every_path_sums_to_log_prob(model):
    rows, x = ragged(model)
    for b, row in enumerate(rows):
        paths, joint = joint_over_paths(model, row)
        padded = torch.full((len(paths), x.shape[1]), -1)
        padded[:, : len(row)] = paths
        repeated = x[b : b + 1].expand(len(paths), *x.shape[1:])
        assert torch.allclose(model.log_joint(repeated, padded), joint, rtol=1e-10)


def test_probabilities_of_all_sequences_sum_to_one():
    x = torch.tensor(list(itertools.product(range(M), repeat=4)))
    assert math.isclose(categorical().log_prob(x).exp().sum().item(), 1, rel_tol=1e-12)


def test_padding_contributes_nothing(model):
    rows, x = ragged(model)
    alone = torch.cat([model.log_prob(row[None]) for row in rows])
    assert torch.allclose(model.log_prob(x), alone, rtol=1e-12)
    ended = (x[..., None] if x.ndim == 2 else x)[..., 0] == (-1 if not x.is_floating_point() else -math.inf)
    assert (model.posterior(x)[ended] == 0).all()
    assert (model.filter(x)[ended] == 0).all()
    assert (model.log_conditionals(x)[ended] == 0).all()
    assert (model.viterbi(x)[0][ended] == -1).all()
    longer = pad([torch.cat([rows[0], rows[0]]), *rows])[1:]  # the same rows, with more padding behind
    twin = type(model)(**configuration(model))
    twin.load_state_dict(model.state_dict())
    before = model.em_step(x), twin.em_step(longer)
    assert math.isclose(*before, rel_tol=1e-12)
    for ours, theirs in zip(model.parameters(), twin.parameters(), strict=True):
        assert torch.allclose(ours, theirs, atol=1e-12)


def test_em_never_falls_and_returns_the_mean_before_the_step(model):
    rows, x = ragged(model, lengths=(30, 12, 1, 25, 7))
    before = model.log_prob(x).mean().item()
    seen = [model.em_step(x) for _ in range(25)]
    assert math.isclose(seen[0], before, rel_tol=1e-12)
    assert all(b >= a - 1e-9 for a, b in itertools.pairwise(seen))
    assert seen[-1] > seen[0] + 0.1
    for rows in (model.initial[None], model.transition):
        assert torch.allclose(rows.sum(1), torch.ones(len(rows), dtype=torch.double))


def test_slices_change_nothing(model, monkeypatch):
    _, x = ragged(model, lengths=(9, 4, 7, 2, 8))
    twin = type(model)(**configuration(model))
    twin.load_state_dict(model.state_dict())
    whole = model.em_step(x)
    monkeypatch.setattr("course_lib.models.probability.hidden_markov_base._SLICE", 2 * x.shape[1] * K)
    monkeypatch.setattr("course_lib.models.probability.hidden_markov_base._STEP", 1)
    assert [len(part) for part, _ in twin._slices(x, x == x)] == [2, 2, 1]
    assert math.isclose(twin.em_step(x), whole, rel_tol=1e-12)
    for ours, theirs in zip(model.parameters(), twin.parameters(), strict=True):
        assert torch.allclose(ours, theirs, atol=1e-12)


def test_samples_follow_the_model():
    model = categorical()
    x = model.sample(40_000, length=3, generator=runtime.generator(0))
    cells = torch.tensor(list(itertools.product(range(M), repeat=3)))
    expected = model.log_prob(cells).exp() * len(x)
    found = torch.bincount(x[:, 0] * M * M + x[:, 1] * M + x[:, 2], minlength=M**3)
    chi2 = ((found - expected) ** 2 / expected).sum().item()
    assert chi2 < 110  # 63 degrees of freedom: P(chi2 > 110) < 0.0003
    real = gaussian()
    paths, values = real.sample_joint(20_000, length=4, generator=runtime.generator(0))
    share = torch.bincount(paths[:, 0], minlength=K) / len(paths)
    assert torch.allclose(share.double(), real.initial, atol=0.012)
    for k in range(K):
        chosen = values[paths == k]
        assert abs(chosen.mean().item() - real.mean[k].item()) < 0.05
        assert abs(chosen.std().item() - real.log_scale[k].exp().item()) < 0.05
    again = model.sample(5, length=3, generator=runtime.generator(0))
    assert (again == model.sample(5, length=3, generator=runtime.generator(0))).all()
    assert model.sample(2).shape == (2, *model.event_shape)
    assert gaussian(2).sample(2).shape == (2, *gaussian(2).event_shape)


def test_numbers_that_run_out_are_done_in_logarithms():
    """State 0 cannot be left and cannot explain x = 1e3 except by a density of about exp(-500,000): below any double."""
    model = GaussianHMM(states=2, length=3).set_probs(
        initial=[1.0, 0.0], transition=[[1.0, 0.0], [0.0, 1.0]], mean=[[0.0], [1000.0]], scale=[[1.0], [1.0]]
    )
    x = torch.tensor([[0.0, 1000.0, 1000.0], [0.0, 0.1, 0.2]], dtype=torch.double)
    exact = torch.distributions.Normal(0.0, 1.0).log_prob(x).sum(1)
    assert torch.allclose(model.log_prob(x), exact)
    assert torch.allclose(model.posterior(x)[..., 0], torch.ones(2, 3, dtype=torch.double))
    assert torch.allclose(model.filter(x)[..., 0], torch.ones(2, 3, dtype=torch.double))
    assert torch.allclose(model.messages(x).pairs, torch.tensor([[4.0, 0.0], [0.0, 0.0]], dtype=torch.double))
    assert math.isclose(model.em_step(x), exact.mean().item(), rel_tol=1e-12)


def test_log_space_pass_equals_the_scaled_one(model):
    _, x = ragged(model)
    checked, valid = model._checked(x)
    emitted = model._emitted(checked, valid)
    scaled = fb.smoothed(model.initial, model.transition, emitted)
    logs = fb._smoothed_log(model.initial.log(), model.transition.log(), emitted.log(), emitted.valid)
    for name in ("alpha", "gamma", "pairs", "log_scale"):
        assert torch.allclose(getattr(scaled, name), getattr(logs, name), atol=1e-10), name


def test_a_very_long_sequence_keeps_its_numbers():
    model = categorical()
    x = model.sample(1, length=20_000, generator=runtime.generator(0))
    assert torch.isfinite(model.log_prob(x)).all()
    assert torch.allclose(model.posterior(x).sum(2), torch.ones(1, 20_000, dtype=torch.double))


def test_an_impossible_sequence_is_minus_infinity_and_stops_em():
    model = CategoricalHMM(states=2, symbols=2, length=2).set_probs(
        initial=[0.5, 0.5], transition=[[1.0, 0.0], [0.0, 1.0]], emission=[[1.0, 0.0], [0.0, 1.0]]
    )
    x = torch.tensor([[0, 1], [0, 0]])
    assert model.log_prob(x).tolist() == [-math.inf, math.log(0.5)]
    with pytest.raises(ValueError, match="probability 0"):
        model.em_step(x)


def test_one_point_and_one_state():
    point = GaussianHMM(states=2, length=1)
    seen = [point.em_step(torch.tensor([[0.3]])) for _ in range(5)]
    assert all(math.isfinite(value) for value in seen)
    assert point.log_scale.exp().min() >= point.smallest_scale * (1 - 1e-9)
    single = CategoricalHMM(states=1, symbols=3, length=2)
    x = torch.tensor([[0, 1, 1, 2]])
    single.em_step(x)
    assert torch.allclose(single.emission, torch.tensor([[0.25, 0.5, 0.25]], dtype=torch.double))
    assert single.em_step(torch.tensor([[2]])) == pytest.approx(math.log(0.25))


def test_a_state_that_explains_nothing_stays_as_it_is():
    model = CategoricalHMM(states=2, symbols=2, length=4).set_probs(
        initial=[1.0, 0.0], transition=[[1.0, 0.0], [0.5, 0.5]], emission=[[0.5, 0.5], [0.9, 0.1]]
    )
    model.em_step(torch.tensor([[0, 0, 1, 0]]))
    assert model.emission[1].tolist() == pytest.approx([0.9, 0.1])
    assert model.transition[1].tolist() == pytest.approx([0.5, 0.5])
    assert model.emission[0].tolist() == pytest.approx([0.75, 0.25])


def test_estimate_counts_known_paths_with_smoothing():
    x, h = torch.tensor([[0, 1, 1], [2, 0, -1]]), torch.tensor([[0, 1, 1], [0, 0, -1]])
    model = CategoricalHMM(states=2, symbols=3, length=3).estimate(x, h)
    assert model.initial.tolist() == [1.0, 0.0]
    assert model.transition.tolist() == [[0.5, 0.5], [0.0, 1.0]]
    assert torch.allclose(model.emission, torch.tensor([[2 / 3, 0, 1 / 3], [0, 1, 0]], dtype=torch.double))
    smooth = CategoricalHMM(states=2, symbols=3, length=3).estimate(x, h, smoothing=1.0)
    assert smooth.emission[1].tolist() == pytest.approx([1 / 5, 3 / 5, 1 / 5])


def test_configuration_makes_a_twin(model):
    twin = type(model)(**configuration(model))
    assert [p.shape for p in twin.parameters()] == [p.shape for p in model.parameters()]
    fresh = type(model)(**configuration(model))
    assert all((a == b).all() for a, b in zip(twin.parameters(), fresh.parameters(), strict=True))


def test_free_numbers_are_counted():
    assert CategoricalHMM(states=2, symbols=27, length=5).parameter_count == 1 + 2 * 1 + 2 * 26
    assert CategoricalHMM(states=1, symbols=4, length=5).parameter_count == 3


def test_em_step_answers_with_a_tensor_as_every_em_step_does(model):
    found = model.em_step(model.sample(4, generator=runtime.generator(0)))
    assert isinstance(found, torch.Tensor)
    assert found.shape == ()


def test_log_prob_is_differentiable_in_the_parameters(model):
    """Against finite differences of the enumeration's log p(x); by the loss that every explicit model inherits."""
    _, x = ragged(model, (3, 1, 2))
    names = [name for name, _ in model.named_parameters()]

    def log_prob(*values):
        return torch.func.functional_call(model, dict(zip(names, values, strict=True)), (x,))

    model.forward = model.log_prob
    values = [p.detach().clone().requires_grad_() for p in model.parameters()]
    assert torch.autograd.gradcheck(log_prob, values)
    exact = model.log_prob(x)
    model.requires_grad_()
    torch.testing.assert_close(model.log_prob(x), exact)
    model.loss(x).backward()
    assert all(p.grad.abs().sum() > 0 for p in model.parameters())
    assert not model.filter(x).requires_grad


def test_learning_moves_the_data_to_the_models_device(model, device):
    x = model.sample(4, generator=runtime.generator(0))
    twin = type(model)(**configuration(model)).to(device)
    torch.testing.assert_close(twin.em_step(x).cpu(), type(model)(**configuration(model)).em_step(x))
    assert twin.transition.device.type == device
    if isinstance(model, CategoricalHMM):
        h, x = model.sample_joint(4, generator=runtime.generator(0))
        assert torch.equal(twin.estimate(x, h).emission.cpu(), model.estimate(x, h).emission)
