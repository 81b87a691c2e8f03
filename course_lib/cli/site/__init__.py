"""The reading site: all lessons as pages that need no kernel and no network, some of their explorers alive."""
