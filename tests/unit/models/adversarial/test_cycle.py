"""CycleGAN: its losses by formula, who moves whom, translation, checkpoints, and a game that it must win."""

import pytest
import torch
from torch import nn

from course_lib import runtime
from course_lib.models.adversarial.cycle import CycleGAN
from course_lib.models.adversarial.objectives import Relativistic
from course_lib.nn.adversarial import PointNetwork
from course_lib.nn.patches import PatchDiscriminator
from course_lib.nn.residual import ResidualTranslator
from course_lib.training import AdversarialStep, checkpoints


class Affine(nn.Module):
    """x -> scale x + shift."""

    def __init__(self, scale, shift):
        super().__init__()
        self.scale, self.shift = nn.Parameter(torch.tensor(scale)), nn.Parameter(torch.tensor(shift))

    def forward(self, x):
        return self.scale * x + self.shift


class Value(nn.Module):
    """(B, 1) -> (B,): the number itself, times a weight."""

    def __init__(self, weight):
        super().__init__()
        self.weight = nn.Parameter(torch.tensor(weight))

    def forward(self, x):
        return self.weight * x[:, 0]


def affine(*, cycle=10.0, identity=5.0, objective=None):
    return CycleGAN(
        to_a=Affine(0.5, 1.0), to_b=Affine(2.0, -1.0), discriminator_a=Value(1.0), discriminator_b=Value(0.5),
        event_shapes=((1,), (1,)), cycle=cycle, identity=identity, objective=objective,
    )  # fmt: skip


A, B = torch.tensor([[1.0], [3.0]]), torch.tensor([[0.0], [4.0]])


def test_translation_there_and_back_in_both_directions():
    model = affine()
    torch.testing.assert_close(model.translate(A, to="b"), torch.tensor([[1.0], [5.0]]))
    torch.testing.assert_close(model.translate(B, to="a"), torch.tensor([[1.0], [3.0]]))
    there, back = model.there_and_back(A, to="b")
    torch.testing.assert_close(there, torch.tensor([[1.0], [5.0]]))
    torch.testing.assert_close(back, torch.tensor([[1.5], [3.5]]))  # 0.5 (2 x - 1) + 1


def test_the_parts_of_the_generators_loss_by_hand():
    """b' = (1, 5) is judged (0.5, 2.5), a' = (1, 3) is judged (1, 3); least squares with a half."""
    terms = affine().terms(A, B)
    game = (0.5**2 + 1.5**2) / 2 / 2 + (0.0 + 2.0**2) / 2 / 2
    assert terms["game"].item() == pytest.approx(game)
    assert terms["cycle"].item() == pytest.approx(10 * (0.5 + 1.0))  # a'' - a = 0.5; b'' - b = 2 (0.5 b + 1) - 1 - b = 1
    assert terms["identity"].item() == pytest.approx(5 * ((1 + 3) / 2 + (0.5 + 0.5) / 2))  # |b - 1|, |1 - a / 2|
    whole = affine().player_loss("generators", (A, B))
    assert whole.item() == pytest.approx(sum(term.item() for term in terms.values()))


def test_a_weight_of_zero_leaves_its_term_out():
    assert "identity" not in affine(identity=0.0).terms(A, B)
    assert affine(cycle=0.0).terms(A, B)["cycle"].item() == 0


def test_the_losses_of_the_discriminators_by_hand():
    model = affine()
    expected_a = ((1.0 - 1) ** 2 + (3.0 - 1) ** 2) / 2 / 2 + (1.0**2 + 3.0**2) / 2 / 2
    assert model.player_loss("discriminator_a", (A, B)).item() == pytest.approx(expected_a)
    expected_b = (1.0 + (0.5 * 4 - 1) ** 2) / 2 / 2 + (0.5**2 + 2.5**2) / 2 / 2
    assert model.player_loss("discriminator_b", (A, B)).item() == pytest.approx(expected_b)


@pytest.mark.parametrize("name", ["discriminator_a", "discriminator_b"])
def test_a_discriminators_loss_moves_no_generator(name):
    model = affine()
    model.player_loss(name, (A, B)).backward()
    moved = {key for key, p in model.named_parameters() if p.grad is not None and p.grad.abs().sum()}
    assert moved == {f"{name}.weight"}


def test_losses_are_means_that_do_not_grow_with_the_batch():
    model = affine()
    for name in model.players:
        once, twice = (model.player_loss(name, (A.repeat(n, 1), B.repeat(n, 1))) for n in (1, 2))
        torch.testing.assert_close(once, twice)


def test_an_objective_that_needs_real_examples_gets_those_of_the_right_side():
    model = affine(objective=Relativistic())
    real, fake = 0.5 * B[:, 0], 0.5 * torch.tensor([1.0, 5.0])
    side_b = nn.functional.softplus(-(fake - real)).mean()
    side_a = nn.functional.softplus(-(torch.tensor([1.0, 3.0]) - A[:, 0])).mean()
    torch.testing.assert_close(model.terms(A, B)["game"], side_a + side_b)


def test_players_are_the_discriminators_and_then_both_generators():
    model = affine()
    assert list(model.players) == ["discriminator_a", "discriminator_b", "generators"]
    assert {id(p) for p in model.players["generators"].parameters()} == {
        id(p) for net in (model.to_a, model.to_b) for p in net.parameters()
    }


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: affine().translate(A, to="c"), "expected 'a' or 'b'"),
        (lambda: affine().translate(torch.zeros(2, 3), to="b"), "expected"),
        (lambda: affine().player_loss("generator", (A, B)), "no player"),
        (lambda: affine(cycle=-1.0), "cycle"),
        (lambda: CycleGAN(**{**images(), "event_shapes": ((3, 8, 8),)}), "two shapes"),
        (lambda: CycleGAN(**images(), identity=1.0), "equal shapes"),
    ],
)  # fmt: skip
def test_bad_input_is_told_what_it_is(call, words):
    with pytest.raises(ValueError, match=words):
        call()


def images():
    return {
        "to_a": ResidualTranslator(channels_in=1, channels_out=3, channels=(4, 6), blocks=1),
        "to_b": ResidualTranslator(channels_in=3, channels_out=1, channels=(4, 6), blocks=1),
        "discriminator_a": PatchDiscriminator(channels_in=3, channels=(4, 6)),
        "discriminator_b": PatchDiscriminator(channels_in=1, channels=(4, 6)),
        "event_shapes": ((3, 8, 8), (1, 8, 8)),
    }


def test_a_translator_between_images_of_different_channels_is_saved_and_loaded(tmp_path):
    model, x = CycleGAN(**images()).eval(), torch.rand(2, 3, 8, 8)
    there, back = model.there_and_back(x, to="b")
    assert there.shape == (2, 1, 8, 8)
    assert back.shape == x.shape
    checkpoints.save("cycle", model, {}, folder=tmp_path)
    torch.testing.assert_close(checkpoints.load("cycle", folder=tmp_path).there_and_back(x, to="b")[1], back)


def test_a_translation_does_not_depend_on_its_batch():
    model, x = CycleGAN(**images()), torch.rand(3, 3, 8, 8)
    for mode in (model.train(), model.eval()):
        torch.testing.assert_close(mode.translate(x, to="b")[:1], mode.translate(x[:1], to="b"))


def test_it_learns_to_move_one_cloud_onto_another_and_back():
    runtime.seed(0)
    nets = {
        name: PointNetwork(inputs=1, hidden=(32, 32), outputs=out)
        for name, out in (("to_a", 1), ("to_b", 1), ("discriminator_a", None), ("discriminator_b", None))
    }
    model = CycleGAN(**nets, event_shapes=((1,), (1,)), cycle=1.0)
    g = runtime.generator(0)
    step = AdversarialStep(model, lr=5e-3, betas=(0.5, 0.9))
    for _ in range(250):
        step((torch.randn(64, 1, generator=g) * 0.5 - 0.4, torch.randn(64, 1, generator=g) * 0.5 + 0.4))
    x = torch.randn(500, 1, generator=g) * 0.5 - 0.4
    there, back = model.there_and_back(x, to="b")
    assert there.mean().item() == pytest.approx(0.4, abs=0.25)
    assert there.std().item() == pytest.approx(0.5, abs=0.15)
    assert (back - x).abs().mean() < 0.15
