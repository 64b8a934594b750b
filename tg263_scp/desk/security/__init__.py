"""Who may come in and do what: accounts, passwords, sessions, tokens, and what every request and answer must carry.

Knows nothing of names, objects or pages. Begin with ``visitors``.
"""
