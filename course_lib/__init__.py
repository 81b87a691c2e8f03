"""Deep generative models, small enough to read like a textbook.

The rooms of this house and who may import whom are drawn in CONTRIBUTING.md.
"""

__version__ = "0.1.0"
