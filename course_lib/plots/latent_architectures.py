"""Models with codes or latent variables, each as one diagram with the shapes on its arrows."""

from __future__ import annotations

from course_lib.plots.blocks import GOAL, LAYER, SEEN, STATE, SUM, VALUE, Arrow, Node, diagram
from course_lib.plots.figures import LessonFigure
from course_lib.plots.given import drawing


@drawing
def autoencoder() -> LessonFigure:
    """The hourglass: an image, narrowing layers, the code, widening layers, an image, and the loss that joins the ends."""
    nodes = {
        "x": Node(0.0, 0.0, "$x$\n28 × 28", SEEN, 1.0, 2.0),
        "f1": Node(2.1, 0.0, "64", LAYER, 0.7, 1.5),
        "z": Node(4.0, 0.0, "$z$: L", STATE, high=0.8),
        "g1": Node(5.9, 0.0, "64", LAYER, 0.7, 1.5),
        "y": Node(8.0, 0.0, "$g(f(x))$\n28 × 28", GOAL, 1.15, 2.0),
        "loss": Node(4.0, -1.75, "squared error $\\| x - g(f(x)) \\|^2$", VALUE, 3.0, 0.5),
    }
    arrows = [Arrow("x", "f1", "784"), Arrow("f1", "z"), Arrow("z", "g1"), Arrow("g1", "y", "784")]
    arrows += [Arrow("x", "loss", dashed=True), Arrow("y", "loss", dashed=True)]
    return diagram(
        nodes,
        arrows,
        notes=[(1.6, 1.15, "encoder $f$"), (3.35, 0.75, "the bottleneck"), (5.4, 1.15, "decoder $g$")],
        title="An autoencoder: all that the decoder knows of x are the L numbers of the code",
        alt="From left to right: an image of 28 by 28, a narrower layer of 64 units, the code of L numbers, a layer of 64, an "
        "image of 28 by 28. Dashed arrows lead from both images to the squared error.",
    )


@drawing
def vae() -> LessonFigure:
    """A variational autoencoder: the encoder gives a distribution, a code is drawn, the decoder gives a distribution."""
    nodes = {
        "x": Node(0.0, 0.0, "$x$\n784", SEEN, 0.8, 0.8),
        "enc": Node(2.0, 0.0, "encoder\nweights $\\phi$", LAYER, 1.35, 0.8),
        "mu": Node(4.0, 0.65, "$\\mu$: L", VALUE, 0.9, 0.5),
        "sigma": Node(4.0, -0.65, "$\\sigma$: L", VALUE, 0.9, 0.5),
        "z": Node(6.4, 0.0, "$z = \\mu + \\sigma \\odot \\varepsilon$", STATE, high=1.65),
        "eps": Node(6.4, -1.75, "$\\varepsilon \\sim \\mathcal{N}(0, I)$", SEEN, 1.5, 0.5),
        "dec": Node(8.8, 0.0, "decoder\nweights $\\theta$", LAYER, 1.35, 0.8),
        "p": Node(10.9, 0.0, "$p_\\theta(x \\mid z)$\n784 coins", GOAL, 1.3, 0.8),
        "kl": Node(4.0, 1.75, "KL from $q_\\phi(z \\mid x)$ to the prior", VALUE, 3.3, 0.5),
        "rec": Node(10.3, 1.75, "$\\log p_\\theta(x \\mid z)$", VALUE, 1.7, 0.5),
    }
    arrows = [
        Arrow("x", "enc"), Arrow("enc", "mu"), Arrow("enc", "sigma"), Arrow("mu", "z"), Arrow("sigma", "z"),
        Arrow("eps", "z", dashed=True), Arrow("z", "dec", "L"), Arrow("dec", "p"),
        Arrow("mu", "kl"), Arrow("sigma", "kl", bend=0.75), Arrow("p", "rec"),
    ]  # fmt: skip
    return diagram(
        nodes,
        arrows,
        notes=[(6.05, 1.75, "the ELBO is the right box less the left")],
        title="A variational autoencoder: the gradient passes through μ and σ, because the noise ε comes from outside",
        alt="From left to right: x, an encoder with weights phi, mu and sigma, the code z made of them and of noise epsilon from "
        "below, a decoder with weights theta, a distribution of x. Above, the two terms of the ELBO.",
    )


@drawing
def ladder() -> LessonFigure:
    """The ladder VAE: a deterministic path up, a stochastic path down, and at each level the two estimates merged."""
    nodes, arrows = {"x": Node(0.0, 0.0, "$x$", SEEN, 0.8, 0.5), "out": Node(7.2, 0.0, "$p(x \\mid z_1)$", GOAL, 1.5, 0.5)}, []
    for level in (1, 2, 3):
        up = 1.45 * level
        nodes[f"d{level}"] = Node(0.0, up, f"$d_{level}$", LAYER, 0.8, 0.5)
        nodes[f"m{level}"] = Node(3.6, up, "merge", SUM, high=0.85)
        nodes[f"z{level}"] = Node(7.2, up, f"$z_{level}$", STATE, high=0.72)
        arrows += [
            Arrow("x" if level == 1 else f"d{level - 1}", f"d{level}"),
            Arrow(f"d{level}", f"m{level}", "estimate from $x$"),
            Arrow(f"m{level}", f"z{level}", f"$q(z_{level} \\mid x, z_{level + 1})$" if level < 3 else "$q(z_3 \\mid x)$"),
        ]
        if level < 3:
            arrows.append(Arrow(f"z{level + 1}", f"m{level}", strong=True))
        arrows.append(
            Arrow(
                f"z{level}",
                "out" if level == 1 else f"z{level - 1}",
                f"$p(z_{level - 1} \\mid z_{level})$" if level > 1 else "",
                shift=(0.75, 0.0),
            )
        )
    return diagram(
        nodes,
        arrows,
        notes=[(-0.55, 5.1, "up: no noise"), (5.9, 5.1, "down: each level is drawn")],
        title="A ladder: at each level the encoder's estimate is merged with what the level above expects (thick)",
        alt="Left, arrows from x up through three layers. Right, arrows from z3 down through z2 and z1 to x. Between them, at "
        "each level, a merge of the estimate from x and, along a thick arrow, of what the level above predicts.",
    )  # fmt: skip


@drawing
def vector_quantised() -> LessonFigure:
    """VQ-VAE: vectors of the encoder replaced by the nearest entries of a codebook; a prior over the entries' numbers."""
    nodes = {
        "x": Node(0.0, 0.0, "$x$\n3 × 32 × 32", SEEN, 1.25, 0.8),
        "enc": Node(2.2, 0.0, "encoder", LAYER, 1.1, 0.6),
        "v": Node(4.4, 0.0, "vectors\n8 × 8 × F", VALUE, 1.2, 0.8),
        "near": Node(6.7, 0.0, "nearest\nentry", SUM, high=1.05),
        "book": Node(6.7, 1.75, "codebook\nK entries × F", LAYER, 1.55, 0.75),
        "i": Node(6.7, -1.65, "indices, 8 × 8\nof $0 \\dots K - 1$", STATE, high=1.45),
        "e": Node(9.0, 0.0, "entries\n8 × 8 × F", VALUE, 1.2, 0.8),
        "dec": Node(11.1, 0.0, "decoder", LAYER, 1.1, 0.6),
        "y": Node(13.2, 0.0, "$\\hat x$\n3 × 32 × 32", GOAL, 1.25, 0.8),
        "prior": Node(9.9, -1.65, "prior: a transformer\nlearned afterwards", LAYER, 2.2, 0.75),
    }
    arrows = [
        Arrow("x", "enc"), Arrow("enc", "v"), Arrow("v", "near"), Arrow("book", "near"), Arrow("near", "e"), Arrow("e", "dec"),
        Arrow("dec", "y"), Arrow("near", "i"), Arrow("i", "prior", dashed=True),
        Arrow("e", "v", "gradient, copied", bend=0.42, strong=True, shift=(-1.1, 0.95)),
    ]  # fmt: skip
    return diagram(
        nodes,
        arrows,
        title="VQ-VAE: each vector is replaced by its nearest entry; the gradient jumps over the choice (thick)",
        alt="From left to right: an image, an encoder, a map of vectors, the nearest entry of a codebook, a map of entries, a "
        "decoder, an image. Below, the entries' indices and a transformer that learns how they are distributed. A thick arrow "
        "carries the gradient from the entries back to the vectors.",
    )
