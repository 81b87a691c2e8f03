"""Conditional GANs: the condition reaches both players, a given class is an ordinary GAN, and the projection is a log ratio."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from course_lib import runtime
from course_lib.models.adversarial import GAN
from course_lib.models.adversarial.conditional import ConditionalGAN, Given
from course_lib.nn.adversarial import ImageDiscriminator, ImageGenerator
from course_lib.nn.conditional import LabelledGenerator, ProjectionDiscriminator
from course_lib.training import AdversarialStep, checkpoints

IMAGE = (1, 8, 8)


class Lines(nn.Module):
    """Points and classes -> one number or one point each, by a matrix per class."""

    def __init__(self, inputs, outputs, classes=3):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(classes, inputs, outputs))

    def forward(self, x, y):
        return torch.einsum("bi,bio->bo", x, self.weight[y]).squeeze(-1)


def of_points(**settings):
    runtime.seed(0)
    return ConditionalGAN(generator=Lines(2, 2), discriminator=Lines(2, 1), event_shape=(2,), noise=2, classes=3, **settings)


def of_images():
    runtime.seed(0)
    return ConditionalGAN(
        generator=LabelledGenerator(
            generator=ImageGenerator(noise=6, event_shape=IMAGE, channels=(4, 4)), classes=3, embedding=2
        ),
        discriminator=ProjectionDiscriminator(discriminator=ImageDiscriminator(event_shape=IMAGE, channels=(2, 3)), classes=3),
        event_shape=IMAGE, noise=4, classes=3,
    )  # fmt: skip


def test_a_given_class_is_an_ordinary_gan_of_the_same_weights():
    model = of_points()
    given = model.given(2)
    assert isinstance(given, GAN)
    z = torch.randn(5, 2)
    torch.testing.assert_close(given.generate(z), z @ model.generator.weight[2])
    torch.testing.assert_close(given.discriminator(z), (z @ model.discriminator.weight[2])[:, 0])
    assert given.sample(4, generator=runtime.generator(0)).shape == (4, 2)
    own = {id(parameter) for parameter in model.parameters()}
    assert {id(parameter) for parameter in given.parameters()} == own


def test_one_class_for_each_example():
    model, y = of_points(), torch.tensor([2, 0, 1])
    z = torch.randn(3, 2)
    rows = torch.stack([z[row] @ model.generator.weight[label] for row, label in enumerate(y.tolist())])
    torch.testing.assert_close(model.given(y).generate(z), rows)
    with pytest.raises(ValueError, match="one for each"):
        model.given(y).sample(4)


@pytest.mark.parametrize(
    ("y", "words"), [(3, "0 … 2"), (-1, "0 … 2"), (torch.tensor([0.5]), "y.long"), (torch.zeros(2, 2).long(), "one class")]
)
def test_classes_that_do_not_fit_are_refused(y, words):
    with pytest.raises(ValueError, match=words):
        of_points().given(y)


def test_losses_are_those_of_the_classes_of_the_batch():
    """The discriminator's loss on pairs by hand, on the noise that the model draws."""
    model = of_points()
    x, y = torch.randn(6, 2), torch.tensor([0, 1, 2, 2, 1, 0])
    found = model.player_loss("discriminator", (x, y), generator=runtime.generator(4))
    z = torch.randn(6, 2, generator=runtime.generator(4))
    fake = torch.einsum("bi,bio->bo", z, model.generator.weight[y])
    logits = [torch.einsum("bi,bi->b", part, model.discriminator.weight[y][:, :, 0]) for part in (x, fake)]
    torch.testing.assert_close(found, F.softplus(-logits[0]).mean() + F.softplus(logits[1]).mean())
    assert not torch.equal(found, model.player_loss("discriminator", (x, y.flip(0) * 0), generator=runtime.generator(4)))


def test_the_game_learns_which_cloud_belongs_to_which_class():
    """Three clouds on a line: after a short game, each class's points are nearest to its own centre."""

    class Shift(nn.Module):
        def __init__(self):
            super().__init__()
            self.centre = nn.Parameter(torch.zeros(3, 1))

        def forward(self, z, y):
            return 0.3 * z + self.centre[y]

    class Parabola(nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(torch.zeros(3, 3))

        def forward(self, x, y):
            return (torch.cat([x**0, x, x**2], 1) * self.weight[y]).sum(1)

    model = ConditionalGAN(generator=Shift(), discriminator=Parabola(), event_shape=(1,), noise=1, classes=3)
    step = AdversarialStep(model, lr=0.05, betas=(0.5, 0.9), seed=0)
    centres, generator = torch.tensor([-1.0, 0.5, 1.5]), runtime.generator(0)
    for _ in range(300):
        y = torch.randint(3, (64,), generator=generator)
        step((centres[y][:, None] + 0.3 * torch.randn(64, 1, generator=generator), y))
    torch.testing.assert_close(model.generator.centre.detach()[:, 0], centres, atol=0.2, rtol=0)


def test_a_projection_is_the_log_ratio_of_gaussian_classes():
    class Affine(nn.Module):  # features (x, 1)
        def __init__(self):
            super().__init__()
            self.to_logit = nn.Linear(3, 1, bias=False)

        def features(self, x):
            return torch.cat([x, torch.ones(len(x), 1)], 1)

    projection = ProjectionDiscriminator(discriminator=Affine(), classes=4)
    p, q = torch.randn(2, 4, 2)
    with torch.no_grad():
        projection.discriminator.to_logit.weight.zero_()
        projection.vectors.weight.copy_(torch.cat([p - q, -0.5 * (p.square() - q.square()).sum(1, keepdim=True)], 1))
    x, y = torch.randn(50, 2), torch.randint(4, (50,))
    ratio = sum(sign * torch.distributions.Normal(centre[y], 1.0).log_prob(x).sum(1) for sign, centre in ((1, p), (-1, q)))
    torch.testing.assert_close(projection(x, y), ratio, atol=1e-5, rtol=1e-5)


def test_the_model_to_keep_has_no_discriminator(tmp_path):
    model = of_images().eval()
    kept = model.without_discriminator()
    z, y = torch.randn(3, 4), torch.tensor([0, 2, 2])
    torch.testing.assert_close(kept.given(y).generate(z), model.given(y).generate(z))
    with pytest.raises(ValueError, match="without its discriminator"):
        _ = kept.players
    checkpoints.save("labelled", kept, {}, folder=tmp_path)
    loaded = checkpoints.load("labelled", folder=tmp_path)
    torch.testing.assert_close(loaded.given(y).generate(z), model.given(y).generate(z))


def test_vectors_between_two_classes_give_images_between():
    generator = of_images().eval().generator
    z = torch.randn(2, 4)
    ends = generator.vectors.weight[[0, 1]]
    torch.testing.assert_close(generator.from_vectors(z, ends), generator(z, torch.tensor([0, 1])))
    assert not torch.equal(generator.from_vectors(z, ends.flip(0)), generator.from_vectors(z, ends))


def test_conditions_of_another_number_are_refused():
    with pytest.raises(ValueError, match="3 examples under 2 conditions"):
        Given(network=Lines(2, 2), condition=torch.tensor([0, 1]))(torch.zeros(3, 2))
