"""Adversarial models: a generator learns from discriminators that tell its examples from data."""

from course_lib.models.adversarial.gan import GAN

__all__ = ["GAN"]
