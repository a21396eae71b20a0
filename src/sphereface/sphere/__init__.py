"""Geometry and statistics of unit vectors, written once for numpy arrays and torch tensors."""
