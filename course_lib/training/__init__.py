"""Training: one loop, a few kinds of step, checkpoints that are whole or absent, and the recipes behind shipped models."""

from course_lib.training.averaging import ExponentialAverage, PolynomialAverage, TailAverage
from course_lib.training.callbacks import Checkpoint, Validation
from course_lib.training.films import Film
from course_lib.training.loop import History, TrainingDiverged, fit
from course_lib.training.optimisers import cosine, linear
from course_lib.training.recipes import load_or_train, train
from course_lib.training.steps import AdversarialStep, ContrastiveDivergenceStep, EMStep, GradientStep, LangevinStep

__all__ = [
    "AdversarialStep", "Checkpoint", "ContrastiveDivergenceStep", "EMStep", "ExponentialAverage", "Film", "GradientStep",
    "History", "LangevinStep", "PolynomialAverage", "TailAverage", "TrainingDiverged", "Validation", "cosine", "fit", "linear",
    "load_or_train", "train",
]  # fmt: skip
