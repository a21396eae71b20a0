"""A model's card as a page to read."""

from sphereface.card.page import card_page

__all__ = ["card_page"]
