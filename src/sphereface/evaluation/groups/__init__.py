"""Rates by group of people at one threshold, and what inequality chance alone would give."""
