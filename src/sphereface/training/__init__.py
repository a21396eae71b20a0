"""Training: a recipe becomes a trained network, resumable at any moment."""
