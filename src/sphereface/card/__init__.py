"""A model card to read, beside every report of a model."""

from sphereface.card.page import CARD_PAGE, card_page, write_card

__all__ = ["CARD_PAGE", "card_page", "write_card"]
