"""Every abstract kind of model of the course; the kind of a model says what the model can do.

A kind of model lacks the methods that it cannot support. `log_prob` is always the exact log-density in nats per example.
Constructors are keyword-only and store every argument under its own name: that is the configuration a checkpoint keeps.
"""

from course_lib.models.protocols.adversarial import AdversarialModel
from course_lib.models.protocols.autoregressive import AutoregressiveModel
from course_lib.models.protocols.base import ExplicitModel, GenerativeModel, configuration
from course_lib.models.protocols.diffusion import DiffusionModel
from course_lib.models.protocols.energy import EnergyModel
from course_lib.models.protocols.flow import FlowModel
from course_lib.models.protocols.latent import Latent, LatentVariableModel

__all__ = [
    "AdversarialModel", "AutoregressiveModel", "DiffusionModel", "EnergyModel", "ExplicitModel", "FlowModel", "GenerativeModel",
    "Latent", "LatentVariableModel", "configuration",
]  # fmt: skip
