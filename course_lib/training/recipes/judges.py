"""The recipes of the course's judges: small classifiers, whose features and answers measure generated images."""

from __future__ import annotations

from functools import partial

from course_lib.models.classifier import FeatureClassifier
from course_lib.training import measures
from course_lib.training.recipes.form import Recipe
from course_lib.training.recipes.gradient import Gradient


def _judge(data: str, what: str, epochs: int, *, shift: int, lr: float, batch_size: int) -> Recipe:
    """Trained on the training split of grey images, which are shifted at random; its own error is measured on test images.

    The settings were chosen by the accuracy on validation images.
    """
    return Recipe(
        partial(FeatureClassifier, event_shape=(1, 28, 28), shift=shift),
        f"classifier of {what}, three convolutions and two dense layers; its features judge generated images",
        (1, 2, epochs),
        step=Gradient(lr=lr),
        measure=measures.accuracy,
        data=data,
        batch_size=batch_size,
        labels=True,
        half=True,
    )


JUDGES: dict[str, Recipe] = {
    "features-mnist": _judge("mnist", "digits", 8, shift=2, lr=2e-3, batch_size=100),
    "features-fashion": _judge("fashion", "clothes", 24, shift=1, lr=3e-3, batch_size=50),
}
