"""What a language model is asked about a name that the rules leave for review, and what its answer leads to. It
builds questions and reads answers; it never talks to a model, which is the work of ``service/llm``. Begin with
``questions.py``.
"""
