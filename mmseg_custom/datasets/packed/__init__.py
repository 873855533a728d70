"""Samples kept as decoding and resizing leave them."""
