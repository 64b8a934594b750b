"""Talking to a language model: the client, votes, remembered answers, the circuit breaker, and the sets that wait. It
decides no name. Begin with ``consultant.py``.
"""
