"""Samplers whose every sample is a function of seed, epoch and index."""
