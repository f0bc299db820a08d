"""Benchmarks: a card that says what the labels are and who made them, and one frame of samples, subjects and cells."""
