"""What can be wrong with images and labels, found before training or on the way."""
