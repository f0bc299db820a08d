"""From integers near a threshold to the exact threshold: which comparisons count, a first guess, and the answer from a
tail or from passes.
"""
