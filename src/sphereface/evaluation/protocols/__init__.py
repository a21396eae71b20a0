"""Readers of the field's protocol files: names of images in, pairs of names out; nothing is scored here."""
