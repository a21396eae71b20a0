"""One file a loss: its functions, its constants with their source, and its row. ``heads/table.py`` lists them."""
