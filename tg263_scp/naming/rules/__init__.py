"""One function a rule: what would it do with this name? Beside them the vetoes, which look at the two names alone,
and the rules of the whole set. No rule knows another one's answer, and none knows a language model. Begin with
``rules.py``; the order of the rules is in ``naming/decide.py``.
"""
