"""Training an FVSBN in whitened coordinates trains the same model."""

import torch
from tiny import copied, same

from course_lib import runtime
from course_lib.datasets import binarise
from course_lib.models.autoregressive import FVSBN
from course_lib.training import GradientStep, PolynomialAverage
from course_lib.training.whitening import Whitened

ORDER = [3, 0, 5, 1, 4, 2]


def grey():
    """Grey values of six pixels, neighbours alike, one always blank."""
    values = torch.rand(400, 1, generator=runtime.generator(0)).expand(-1, 6) * torch.linspace(0.4, 1, 6)
    return torch.where(torch.arange(6) == 4, 0.0, values).reshape(400, 2, 3)


def test_the_plain_model_has_the_same_loss_and_keeps_to_its_order():
    trained = Whitened(FVSBN(event_shape=(2, 3), order=ORDER), grey(), decay=0.0).double()
    with torch.no_grad():
        trained.model.W.copy_(torch.randn(6, 6, generator=runtime.generator(1)))
    x = binarise(grey(), generator=runtime.generator(2)).double()
    loss = trained.loss(x)
    trained.decay = 0.5
    kept = trained.model.W[trained.model.before].square().sum()
    torch.testing.assert_close(trained.loss(x), loss + 0.25 * kept)
    before = copied(trained.state_dict())
    plain = trained.plain()
    torch.testing.assert_close(plain.loss(x), loss)
    assert plain.order == ORDER
    assert (plain.W[~plain.before] == 0).all()
    assert same(copied(trained.state_dict()), before)


def test_the_inputs_are_uncorrelated_and_each_knows_only_what_came_before():
    trained = Whitened(FVSBN(event_shape=(2, 3), order=ORDER), grey(), ridge=1e-4).double()
    x = binarise(grey().double().repeat(200, 1, 1), generator=runtime.generator(3)).flatten(1)
    inputs = (x - trained.mean) @ trained.inverse.T
    alive = torch.arange(6) != 4  # the blank pixel has no variance
    torch.testing.assert_close(inputs.T.cov()[alive][:, alive], torch.eye(5).double(), atol=0.03, rtol=0)
    place = torch.tensor(ORDER).argsort()
    assert (trained.inverse[place[None, :] > place[:, None]] == 0).all()


def test_it_starts_at_the_independent_pixels():
    trained = Whitened(FVSBN(event_shape=(2, 3), order=ORDER), grey())
    torch.testing.assert_close(torch.sigmoid(trained.model.b), grey().flatten(1).mean(0).clamp(min=1e-4))


def test_the_loss_changes_no_state():
    trained = Whitened(FVSBN(event_shape=(2, 3)), grey()).train()
    before = copied(trained.state_dict())
    trained.loss(binarise(grey(), generator=runtime.generator(4)))
    assert same(copied(trained.state_dict()), before)


def test_a_step_that_averages_keeps_the_mean_of_its_steps():
    """What is averaged are the parameters at which each gradient was computed, the first ones included."""
    trained = Whitened(FVSBN(event_shape=(2, 3)), grey(), decay=0.0)
    step = GradientStep(trained, lr=0.1, averaging=PolynomialAverage())
    mean = None
    for t, x in enumerate(binarise(grey(), generator=runtime.generator(4)).split(50), 1):
        now = copied(dict(trained.named_parameters()))
        share = 5 / (t + 4)
        mean = {name: share * now[name] + (1 - share) * (mean or now)[name] for name in now}
        step(x)
    kept = step.result()
    for name, parameter in kept.named_parameters():
        torch.testing.assert_close(parameter, mean[name])
    x = binarise(grey(), generator=runtime.generator(5))
    torch.testing.assert_close(kept.plain().loss(x), kept.loss(x))
