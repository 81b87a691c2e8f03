"""The GAN: each player's loss is its objective on what it sees, its noise, its penalty and its clipping."""

import pytest
import torch

from course_lib import runtime
from course_lib.models.adversarial import GAN
from course_lib.models.adversarial.objectives import NonSaturating, RandomLabels, Relativistic, Wasserstein
from course_lib.models.adversarial.penalties import UnitSlope, ZeroCentred
from course_lib.nn.adversarial import ImageDiscriminator, ImageGenerator, PointNetwork
from course_lib.training import AdversarialStep


def points(**settings):
    runtime.seed(0)
    return GAN(
        generator=PointNetwork(inputs=3, hidden=(8,), outputs=2),
        discriminator=PointNetwork(inputs=2, hidden=(8,)),
        event_shape=(2,),
        noise=3,
        **settings,
    )


X = torch.randn(7, 2, generator=runtime.generator(1))


@pytest.mark.parametrize("objective", [NonSaturating(), Relativistic(), Wasserstein()])
def test_the_losses_are_those_of_the_objective(objective):
    model = points(objective=objective)
    z = model.draw_noise(7, generator=runtime.generator(2))
    real, fake = model.discriminator(X), model.discriminator(model.generate(z))
    found = {name: model.player_loss(name, X, generator=runtime.generator(2)) for name in model.players}
    torch.testing.assert_close(found["discriminator"], objective.discriminator_loss(real, fake))
    torch.testing.assert_close(found["generator"], objective.generator_loss(real, fake))


def test_a_penalty_is_added_to_the_discriminators_loss_alone():
    plain, penalised = points(objective=Wasserstein()), points(objective=Wasserstein(), penalty=ZeroCentred(2.0, 0.0))
    pair = [model.player_loss("discriminator", X, generator=runtime.generator(2)) for model in (plain, penalised)]
    x = X.clone().requires_grad_(True)
    (slope,) = torch.autograd.grad(plain.discriminator(x).sum(), x)
    torch.testing.assert_close(pair[1] - pair[0], slope.square().sum(1).mean())
    pair = [model.player_loss("generator", X, generator=runtime.generator(2)) for model in (plain, penalised)]
    assert torch.equal(*pair)


def test_the_discriminators_loss_sends_nothing_to_the_generator():
    model = points(penalty=UnitSlope(1.0))
    model.player_loss("discriminator", X, generator=runtime.generator(2)).backward()
    assert all(parameter.grad is None for parameter in model.generator.parameters())
    assert all(parameter.grad is not None for parameter in model.discriminator.parameters() if parameter.ndim > 1)


def test_instance_noise_is_added_to_all_that_the_discriminator_sees():
    class Recorder(torch.nn.Module):
        def forward(self, x):
            self.seen = [*getattr(self, "seen", []), x.detach()]
            return x.sum(1)

    for scale in (0.0, 0.5):
        model = points(instance_noise=scale)
        model.discriminator = Recorder()
        x = torch.zeros(4_000, 2)
        model.player_loss("discriminator", x, generator=runtime.generator(2))
        real, fake = model.discriminator.seen
        made = model.generate(model.draw_noise(4_000, generator=runtime.generator(2))).detach()
        assert real.std().item() == pytest.approx(scale, rel=0.05)
        assert (fake - made).std().item() == pytest.approx(scale, rel=0.05)


def test_clipping_follows_each_move_of_the_discriminator_and_spares_the_generator():
    model = points(objective=Wasserstein(), clip=0.01)
    before = [parameter.clone() for parameter in model.generator.parameters()]
    AdversarialStep(model, lr=1e-3)(X)
    assert max(parameter.abs().max().item() for parameter in model.discriminator.parameters()) <= 0.01 + 1e-9
    assert max(parameter.abs().max().item() for parameter in model.generator.parameters()) > 0.01
    assert not all(torch.equal(*pair) for pair in zip(before, model.generator.parameters(), strict=True))


def test_wrong_settings_are_refused():
    for settings, words in (
        ({"clip": 0.0}, "clip is 0.0"),
        ({"instance_noise": -1.0}, "instance_noise is -1.0"),
    ):
        with pytest.raises(ValueError, match=words):
            points(**settings)
    with pytest.raises(ValueError, match=r"no player is called 'critic'"):
        points().player_loss("critic", X)


def test_the_image_networks():
    runtime.seed(0)
    generator, discriminator = ImageGenerator(), ImageDiscriminator()
    assert sum(p.numel() for p in generator.parameters()) == 288_356
    assert sum(p.numel() for p in discriminator.parameters()) == 55_233
    made = generator(torch.randn(3, 64))
    assert made.shape == (3, 1, 28, 28)
    assert ((made >= 0) & (made <= 1)).all()
    assert discriminator(made).shape == (3,)
    assert discriminator.features(made).shape == (3, 64 * 7 * 7)
    rgb = ImageGenerator(noise=5, event_shape=(3, 16, 8), channels=(6, 4))
    assert rgb(torch.randn(2, 5)).shape == (2, 3, 16, 8)
    for network in (ImageGenerator, ImageDiscriminator):
        with pytest.raises(ValueError, match="multiples of 4"):
            network(event_shape=(1, 30, 28))
    with pytest.raises(ValueError, match="normalisation is 'layer'"):
        ImageDiscriminator(normalisation="layer")


def test_no_example_influences_another_unless_there_is_batch_normalisation():
    x = torch.rand(4, 1, 8, 8, generator=runtime.generator(0))
    for normalisation, alone in (("none", True), ("batch", False)):
        runtime.seed(0)
        network = ImageDiscriminator(event_shape=(1, 8, 8), channels=(3, 4), normalisation=normalisation).train()
        changed = torch.cat([x[:1], x[1:] + 1])
        assert torch.allclose(network(x)[0], network(changed)[0], atol=1e-6) == alone


def test_spectral_normalisation_bounds_every_layer():
    runtime.seed(0)
    network = ImageDiscriminator(event_shape=(1, 8, 8), channels=(3, 4), spectral=True)
    for _ in range(50):
        network(torch.rand(2, 1, 8, 8))
    for layer in (network.to_features[0], network.to_features[3], network.to_logit):
        assert torch.linalg.matrix_norm(layer.weight.detach().flatten(1), 2).item() == pytest.approx(1, abs=0.01)


def test_in_one_batch_batch_normalisation_mixes_real_and_made_examples():
    def images(**settings):
        runtime.seed(0)
        judge = ImageDiscriminator(channels=(2, 3), normalisation="batch")
        made = {"generator": ImageGenerator(noise=4, channels=(4, 4)), "discriminator": judge}
        return GAN(**made, event_shape=(1, 28, 28), noise=4, **settings)

    x = torch.rand(6, 1, 28, 28, generator=runtime.generator(3))
    apart, together = images(), images(one_batch=True)
    z = together.draw_noise(6, generator=runtime.generator(2))
    both = together.discriminator(torch.cat([x, together.generate(z)]))
    expected = NonSaturating().discriminator_loss(both[:6], both[6:])
    losses = [model.player_loss("discriminator", x, generator=runtime.generator(2)) for model in (together, apart)]
    torch.testing.assert_close(losses[0], expected)
    assert (losses[1] - expected).abs() > 1e-3
    plain = [points(one_batch=choice).player_loss("discriminator", X, generator=runtime.generator(2)) for choice in (True, False)]
    torch.testing.assert_close(*plain)  # without batch normalisation nothing changes


def test_labels_are_drawn_from_the_generator_given():
    model = points(objective=RandomLabels(flipped=0.5))
    found = [model.player_loss("discriminator", X, generator=runtime.generator(seed)).item() for seed in (2, 2, 3)]
    assert found[0] == found[1] != found[2]
