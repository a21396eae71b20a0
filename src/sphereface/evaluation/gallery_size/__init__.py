"""Open-set search in galleries of other sizes than the one that was searched."""
