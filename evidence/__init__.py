"""Do the papers' claims hold where we can look? A plan, its runs, and the page made of their summaries.

``plan.py`` says what is run, ``running.py`` runs it and leaves a summary each, ``page.py`` makes
docs/results/evidence.md and its figures of the summaries alone.
"""
