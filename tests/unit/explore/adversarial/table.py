"""The explorers of adversarial models, for the sweep over all controls. A row's builder imports what it needs itself."""

EXPLORERS = {}
