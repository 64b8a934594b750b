"""Lose nothing, repeat nothing. An object is spooled and entered in the *journal*, then decided (*deciding*), then
delivered (*delivery*); *llm* talks to the language model meanwhile. ``node.py`` puts the parts together and decides
nothing. No room knows the terminal. Begin with ``node.py``.
"""
