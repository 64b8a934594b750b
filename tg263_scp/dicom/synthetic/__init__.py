"""The patients of the demonstration: structure sets whose anatomy is computed. Begin with ``structure_sets.py``."""
