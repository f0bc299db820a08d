"""Everything that only a run can see, and all that is kept of it.

In: a benchmark, its templates and the comparisons. Out: ``Seen`` (``kept.py``): tallies of people with and without
overrides, the samples that failed, sums of scores and of photo quality per group, the pairs a person should look at,
the benchmark's own protocol. Its one idea: a table that needs a template or a photograph is reduced here to counts and
sums from which it can be made again, so everything after this room, and everybody who holds a results directory,
computes the same numbers from the same files. No rate is computed here.
"""
