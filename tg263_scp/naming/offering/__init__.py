"""What is offered for a name that is left for review: structures of the list, ranked, in the side and form that were written.

Knows how words look and what they mean; decides nothing. Begin with ``ranking.py``.
"""
