"""Lose nothing, repeat nothing. The intake spools an object and enters it in the *journal*; then it is decided
(*deciding*), then delivered (*delivery*); *llm* talks to the language model meanwhile. ``node.py`` puts the parts together
and decides nothing. No room knows the terminal. Begin with ``node.py``.
"""
