"""Several processes: who is the main one, and how they find each other."""
