"""Every training image predicted by weights that have never seen it, and what follows from that."""
