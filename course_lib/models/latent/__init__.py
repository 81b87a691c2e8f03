"""Models with latent variables: p(x) is an integral over z, bounded from below by way of q(z | x)."""

from course_lib.models.latent.autoencoder import Autoencoder
from course_lib.models.latent.hierarchical_vae import HierarchicalVAE
from course_lib.models.latent.objectives import ELBO, ImportanceBound, Objective
from course_lib.models.latent.pca import PCA
from course_lib.models.latent.priors import MixturePrior, Prior, StandardPrior, VampPrior
from course_lib.models.latent.semi_supervised import SemiSupervisedVAE
from course_lib.models.latent.vae import VAE
from course_lib.models.latent.vector_quantised import VectorQuantised
from course_lib.models.protocols import Latent, LatentVariableModel

__all__ = [
    "ELBO", "PCA", "VAE", "Autoencoder", "HierarchicalVAE", "ImportanceBound", "Latent", "LatentVariableModel", "MixturePrior",
    "Objective", "Prior", "SemiSupervisedVAE", "StandardPrior", "VampPrior", "VectorQuantised",
]  # fmt: skip
