"""Training: one loop, four kinds of step, checkpoints that are whole or absent, and the recipes behind shipped models."""

from course_lib.training.loop import Checkpoint, History, TrainingDiverged, fit
from course_lib.training.recipes import load_or_train, train
from course_lib.training.steps import AdversarialStep, ContrastiveDivergenceStep, EMStep, GradientStep

__all__ = [
    "AdversarialStep", "Checkpoint", "ContrastiveDivergenceStep", "EMStep", "GradientStep", "History",
    "TrainingDiverged", "fit", "load_or_train", "train",
]  # fmt: skip
