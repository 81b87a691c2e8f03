"""Autoencoders: shapes, what the loss is, nested codes, the linear case against PCA, PCA against scikit-learn."""

import pytest
import torch
from sklearn.decomposition import PCA as Oracle

from course_lib import runtime
from course_lib.models.latent.autoencoder import Autoencoder, squared_error
from course_lib.models.latent.pca import PCA
from course_lib.models.protocols import configuration
from course_lib.training import GradientStep

KINDS = {"dense": (16, 12), "convolutional": (6, 8), "recurrent": (6,), "attention": (8, 8)}


def cloud(n=400, dims=6, seed=0):
    """Data of unequal variances along skewed directions, not centred: (n, dims)."""
    g = runtime.generator(seed)
    scales = torch.tensor([3.0, 2.0, 1.5, 0.5, 0.3, 0.1])[:dims]
    return (torch.randn(n, dims, generator=g) * scales) @ torch.randn(dims, dims, generator=g) + 2


def span(vectors):
    """The projection onto the columns' span, (D, D)."""
    q, _ = torch.linalg.qr(vectors)
    return q @ q.T


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 8, 12)])
@pytest.mark.parametrize("decoder", ["dense", "convolutional"])
def test_every_kind_codes_and_decodes(kind, shape, decoder, device):
    runtime.seed(0)
    model = Autoencoder(
        event_shape=shape, latent=3, encoder=kind, widths=KINDS[kind], decoder=decoder, decoder_widths=(12, 8)
    ).to(device)
    x = torch.rand(5, *shape, generator=runtime.generator(1)).to(device)
    z = model.code(x)
    assert z.shape == (5, 3)
    made = model.reconstruct(x)
    assert made.shape == x.shape
    assert torch.equal(made, model.decode(z))
    assert ((made > 0) & (made < 1)).all()
    model.loss(x).backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in model.parameters()), "a layer does nothing"
    assert all(p.grad.isfinite().all() for p in model.parameters())
    twin = Autoencoder(**configuration(model))
    twin.load_state_dict(model.state_dict())
    assert torch.equal(twin.to(device).reconstruct(x), made)


def test_the_code_of_one_example_knows_nothing_of_the_others():
    for kind, widths in KINDS.items():
        model = Autoencoder(event_shape=(1, 8, 8), latent=2, encoder=kind, widths=widths, decoder_widths=())
        x = torch.rand(4, 1, 8, 8, generator=runtime.generator(0))
        torch.testing.assert_close(model.code(x)[2:3], model.code(x[2:3]))


def test_the_loss_is_the_squared_error_summed_over_the_pixels():
    model = Autoencoder(event_shape=(1, 2, 2), latent=1, widths=())
    x = torch.rand(3, 1, 2, 2, generator=runtime.generator(0))
    by_hand = sum(((model.reconstruct(x)[b] - x[b]) ** 2).sum() for b in range(3)) / 3
    torch.testing.assert_close(model.loss(x), by_hand)
    torch.testing.assert_close(squared_error(x, model.reconstruct(x)).mean(), by_hand)


def test_a_denoiser_reads_noise_and_is_held_to_the_clean():
    model = Autoencoder(event_shape=(6,), latent=2, widths=(4,), noise=0.5)
    x = torch.rand(3, 6, generator=runtime.generator(0))
    noisy = x + 0.5 * torch.randn(x.shape, generator=runtime.generator(1))
    expected = squared_error(x, model.reconstruct(noisy)).mean()
    torch.testing.assert_close(model.loss(x, generator=runtime.generator(1)), expected)
    torch.testing.assert_close(model.corrupt(x, generator=runtime.generator(1)), noisy)


def test_it_begins_at_the_mean():
    for output in ("sigmoid", "linear"):
        for decoder in ("dense", "convolutional"):
            model = Autoencoder(
                event_shape=(1, 8, 8), latent=2, widths=(4,), decoder=decoder, decoder_widths=(4,), output=output, mean=0.2
            )
            for parameter in model.to_data.parameters():
                if parameter.ndim > 1:
                    torch.nn.init.zeros_(parameter)
            torch.testing.assert_close(model.decode(torch.zeros(1, 2)), torch.full((1, 1, 8, 8), 0.2))


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"encoder": "convolutionl"}, "expected one of"),
        ({"decoder": "recurrent"}, "expected one of"),
        ({"output": "tanh"}, "expected one of"),
        ({"upsampling": "odd", "decoder": "convolutional"}, "expected one of"),
        ({"noise": -1.0}, "noise is -1.0"),
        ({"latent": 0}, "latent is 0"),
        ({"encoder": "attention", "widths": (8, 4)}, "one equal number"),
        ({"encoder": "convolutional", "widths": (2, 2, 2, 2)}, "cannot halve"),
        ({"encoder": "recurrent", "event_shape": (64,)}, "expected an image"),
        ({"encoder": "attention", "event_shape": (1, 6, 8), "widths": (4,)}, "divide by 4"),
    ],
)
def test_bad_arguments_are_named(given, words):
    with pytest.raises(ValueError, match=words):
        Autoencoder(**{"event_shape": (1, 8, 8), "latent": 2, "widths": (4,), **given})


def test_bad_codes_are_named():
    model = Autoencoder(event_shape=(4,), latent=2, widths=())
    with pytest.raises(ValueError, match=r"expected \(B, 2\)"):
        model.decode(torch.zeros(2))
    with pytest.raises(ValueError, match="NaN"):
        model.code(torch.full((1, 4), torch.nan))


def test_pca_is_scikit_learns():
    x = cloud()
    model, oracle = PCA(event_shape=(2, 3), latent=3).estimate(x.reshape(-1, 2, 3)), Oracle(3).fit(x.double().numpy())
    torch.testing.assert_close(model.mean, torch.tensor(oracle.mean_).float())
    torch.testing.assert_close(
        model.variances[:3], torch.tensor(oracle.explained_variance_).float() * 399 / 400, rtol=1e-4, atol=0
    )
    axes = torch.tensor(oracle.components_).float().T
    torch.testing.assert_close((model.axes * axes).sum(0).abs(), torch.ones(3), atol=1e-4, rtol=0)  # up to the sign
    back = torch.tensor(oracle.inverse_transform(oracle.transform(x.double().numpy()))).float()
    torch.testing.assert_close(model.reconstruct(x.reshape(-1, 2, 3)).flatten(1), back, atol=1e-3, rtol=0)


def test_what_pca_leaves_over_is_the_variance_of_the_other_directions():
    x = cloud()
    model = PCA(event_shape=(6,), latent=5).estimate(x)
    for keep in range(1, 6):
        left = squared_error(x, model.reconstruct(x, keep=keep)).mean()
        torch.testing.assert_close(left, model.variances[keep:].sum(), rtol=1e-3, atol=1e-4)
    z = model.code(x)
    torch.testing.assert_close(z.T @ z / len(z), model.variances[:5].diag(), rtol=1e-3, atol=1e-3)
    with pytest.raises(ValueError, match="at most the 6"):
        PCA(event_shape=(6,), latent=7)


def test_a_linear_autoencoder_finds_pcas_subspace():
    x = cloud()
    x = x - x.mean(0)
    runtime.seed(0)
    model = Autoencoder(event_shape=(6,), latent=2, widths=(), output="linear")
    step = GradientStep(model, lr=0.05, total_steps=1500)
    for _ in range(1500):
        step(x)
    pca = PCA(event_shape=(6,), latent=2).estimate(x)
    torch.testing.assert_close(span(model.to_data[0][0].weight.detach()), pca.axes @ pca.axes.T, atol=2e-3, rtol=0)
    torch.testing.assert_close(model.loss(x).detach(), pca.variances[2:].sum(), rtol=1e-3, atol=0)
    far = span(model.to_data[0][0].weight.detach()) - span(torch.eye(6)[:, :2])
    assert far.abs().max() > 0.1  # the test can tell subspaces apart


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"noise": -0.1}, "noise is -0.1"),
        ({"noise": float("nan")}, "noise is nan"),
        ({"spread": 0}, "spread is 0"),
        ({"spread": float("nan")}, "spread is nan"),
        ({"mean": float("inf")}, "mean is inf"),
    ],
)
def test_numbers_that_would_spoil_every_code_are_refused(given, words):
    with pytest.raises(ValueError, match=words):
        Autoencoder(event_shape=(1, 2, 2), latent=1, **given)


@pytest.mark.parametrize("value", [float("inf"), float("nan")])
def test_data_that_are_not_finite_are_refused(value):
    x = torch.full((3, 6), value)
    for refuses in (Autoencoder(event_shape=(6,), latent=2).loss, PCA(event_shape=(6,), latent=2).estimate):
        with pytest.raises(ValueError, match="finite"):
            refuses(x)
