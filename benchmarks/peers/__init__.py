"""Contenders from other packages: they run in an environment of their own, without ours."""
