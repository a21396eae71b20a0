"""Morphing vulnerability: could two people share one document?"""
