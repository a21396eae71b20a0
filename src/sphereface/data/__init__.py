"""Aligned faces to batches: manifests, checks, loading, augmentation, and drawn people. No torch here."""
