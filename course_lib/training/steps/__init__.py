"""The ways to learn from a batch: by gradient, adversarially, by contrastive divergence, by Langevin chains, by EM."""

from course_lib.training.steps.adversarial import AdversarialStep
from course_lib.training.steps.base import Step
from course_lib.training.steps.contrastive import ContrastiveDivergenceStep
from course_lib.training.steps.em import EMStep
from course_lib.training.steps.gradient import GradientStep
from course_lib.training.steps.langevin import LangevinStep

__all__ = ["AdversarialStep", "ContrastiveDivergenceStep", "EMStep", "GradientStep", "LangevinStep", "Step"]
