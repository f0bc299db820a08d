"""The compiled and the NumPy loops of the comparison room: integers in, integers out, the same ones whichever runs."""
