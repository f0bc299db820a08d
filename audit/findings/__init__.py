"""Rates and claims in, sentences and verdicts with evidence keys out."""
