"""Pixels to aligned faces. No torch here."""
