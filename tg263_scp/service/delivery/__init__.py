"""From the journal to the destinations: what is sent, when it is tried again, and when it has failed. It decides no
name. Begin with ``forwarder.py``.
"""
