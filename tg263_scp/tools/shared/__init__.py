"""What the verbs have in common: the terminal, CSV tables, the words for statuses and reasons, exit codes. Begin with
``terminal.py``.
"""
