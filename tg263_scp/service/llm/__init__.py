"""Talking to a language model: the client, votes, remembered answers, the circuit breaker, the one loop of asking and
deciding, and the sets that wait. It decides no name. Begin with ``consultant.py``.
"""
