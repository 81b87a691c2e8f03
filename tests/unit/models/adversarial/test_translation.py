"""Paired translation: its losses by hand, which pairs the discriminator sees, and what each loss asks for."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from course_lib import runtime
from course_lib.models.adversarial import GAN
from course_lib.models.adversarial.objectives import Relativistic
from course_lib.models.adversarial.translation import PairedTranslator
from course_lib.nn.conditional import PairDiscriminator
from course_lib.nn.unet import UNet
from course_lib.training import GradientStep, checkpoints

SHAPE = (1, 8, 8)


class Weighted(nn.Module):
    """Inputs and noise -> a weighted sum, as images of one pixel."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.tensor([0.7, 0.2]))

    def forward(self, x, z):
        return self.weight[0] * x + self.weight[1] * z


class Pair(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.tensor([1.0, -0.5]))

    def forward(self, y, x):
        return self.weight[0] * y + self.weight[1] * x


def tiny(**settings):
    return PairedTranslator(generator=Weighted(), discriminator=Pair(), input_shape=(1,), event_shape=(1,), noise=1, **settings)


def of_images(**settings):
    runtime.seed(0)
    network = UNet(channels=(8, 16), sides=(8, 8))
    return PairedTranslator(
        generator=network, discriminator=PairDiscriminator(channels=(3, 4)), input_shape=SHAPE, event_shape=SHAPE,
        noise=network.noise, **settings,
    )  # fmt: skip


X, Y = torch.tensor([[1.0], [2.0], [-1.0]]), torch.tensor([[0.5], [1.0], [0.0]])


@pytest.mark.parametrize("objective", [None, Relativistic()], ids=["non-saturating", "relativistic"])
def test_both_losses_by_hand(objective):
    model = tiny(adversarial=2.0, l1=30.0, objective=objective)
    fake = 0.7 * X + 0.2 * torch.randn(3, 1, generator=runtime.generator(3))
    real, made = Y - 0.5 * X, fake - 0.5 * X
    if objective is None:
        judge, game = F.softplus(-real).mean() + F.softplus(made).mean(), F.softplus(-made).mean()
    else:
        judge, game = F.softplus(made - real).mean(), F.softplus(real - made).mean()
    found = {name: model.player_loss(name, (X, Y), generator=runtime.generator(3)) for name in model.players}
    torch.testing.assert_close(found["discriminator"].detach(), judge)
    torch.testing.assert_close(found["generator"].detach(), 2 * game + 30 * (fake - Y).abs().mean())
    torch.testing.assert_close(model.loss((X, Y), generator=runtime.generator(3)).detach(), (fake - Y).abs().mean())


def test_an_input_gives_an_ordinary_gan_of_its_outputs():
    model = tiny()
    given = model.given(X[:1])
    assert isinstance(given, GAN)
    z = torch.randn(5, 1)
    torch.testing.assert_close(given.generate(z), 0.7 + 0.2 * z)
    torch.testing.assert_close(given.discriminator(z), z - 0.5)
    made = model.translate(X, generator=runtime.generator(1))
    torch.testing.assert_close(made, (0.7 * X + 0.2 * torch.randn(3, 1, generator=runtime.generator(1))))


def test_shuffled_inputs_move_the_loss_of_pairs():
    model = of_images()
    x, y = torch.rand(4, *SHAPE), torch.rand(4, *SHAPE)
    one, other = (F.softplus(-model.discriminator(y, inputs)).mean() for inputs in (x, x.flip(0)))
    assert (one - other).abs() > 1e-6


@pytest.mark.parametrize(("loss", "truth"), [("l1", 0.3), ("l2", 0.54)])
def test_the_absolute_error_asks_for_the_median_and_the_squared_one_for_the_mean(loss, truth):
    """A coin of 60 : 40 between 0.3 and 0.9, and a generator that can say one number."""
    level = nn.Parameter(torch.tensor(0.6))
    coin = torch.tensor([0.3] * 6 + [0.9] * 4)
    for step in range(2_000):
        error = (level - coin).abs().mean() if loss == "l1" else (level - coin).square().mean()
        (slope,) = torch.autograd.grad(error, level)
        level.data -= 0.5 * slope / (1 + step / 20)
    assert level.item() == pytest.approx(truth, abs=0.02)


def test_without_a_game_the_loss_alone_learns_and_there_are_no_players(tmp_path):
    runtime.seed(0)
    network = UNet(channels=(8, 16), sides=(8, 8))
    model = PairedTranslator(generator=network, input_shape=SHAPE, event_shape=SHAPE, noise=network.noise, adversarial=0.0)
    with pytest.raises(ValueError, match="no discriminator"):
        _ = model.players
    x = (torch.rand(32, *SHAPE, generator=runtime.generator(0)) < 0.5).float()
    step, first = GradientStep(model, lr=5e-3), model.loss((x, x)).item()
    for _ in range(60):
        step((x, x))
    assert model.loss((x, x)).item() < first / 2
    checkpoints.save("alone", model.eval(), {}, folder=tmp_path)
    loaded = checkpoints.load("alone", folder=tmp_path)
    assert torch.equal(*(m.translate(x, generator=runtime.generator(1)) for m in (loaded, model)))


def test_odd_settings_and_inputs_are_refused():
    with pytest.raises(ValueError, match="both 0"):
        tiny(adversarial=0.0, l1=0.0)
    with pytest.raises(ValueError, match="add the batch axis"):
        of_images().translate(torch.rand(*SHAPE))
