"""Normalising flows: data become noise through a map that can be undone, and the density follows from its determinant."""

from course_lib.models.flows.coupling import CouplingFlow
from course_lib.models.flows.dequantised import Dequantised
from course_lib.models.flows.gaussianisation import GaussianisationFlow
from course_lib.models.flows.planar import PlanarFlow
from course_lib.models.flows.real_nvp import RealNVP

__all__ = ["CouplingFlow", "Dequantised", "GaussianisationFlow", "PlanarFlow", "RealNVP"]
