"""A few steps on a few images before the first one: whether a training will work, and what it will take."""
