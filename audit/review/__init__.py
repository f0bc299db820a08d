"""A person's look at the pairs that decide the extreme tail: overrides in, contact sheets out, judgements back.

Only pairs that a benchmark labels and a run compared can be looked at; nothing here takes a photograph from elsewhere and asks who it is.
"""
