"""From a received object to what will be sent: routes, gates, the decision of the set, the relabelled copy. It sends
nothing. Begin with ``worker.py``.
"""
