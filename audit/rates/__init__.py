"""Counts in, rates with intervals out. Integers travel; division happens once, here."""
