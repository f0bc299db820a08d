"""The black-box audit: what can be known of a matcher that may not be run, from what it said.

A city does not own the sheriff's system; it may ask for its outputs. In comes one table of them, out comes an ordinary
result. Its one idea: everything that follows from the table is computed as in any other audit, and everything that
does not follow is refused by name (``refused.csv``: what, why, and what would be needed), never guessed and never left
out in silence.

Backend ``scores``: a tidy table (CSV, csv.gz or parquet), one row a compared pair::

    [backend]
    name = "scores"
    [backend.options]
    path = "scores.csv"        # beside the config's --data folder, or a path
    score = "score"            # column: the matcher's number; kind = "similarity" (default) or "dissimilarity"
    mated = "mated"            # column: 1 where both photos show one person, 0 where they show two
    subject_a = "subject_a"    # optional, both or none: with them intervals are possible, without them none is
    subject_b = "subject_b"
    unit = "score"             # the vendor's word for the number
    default_threshold = 0.8    # optional: the vendor's own
    product = "..."            # optional, with version, description: what is known of the matcher

``groups.attributes`` maps a role to a column: ``race = "race"`` reads column ``race`` where both people of each pair
share it, or ``race_a`` and ``race_b``. An empty value is "no label". Labels are declared on the benchmark's card, or,
with ``benchmark.name = "outputs"``, in ``benchmark.options.labels``.

Backend ``candidates``: what searches of a gallery returned, one row a candidate::

    [backend.options]
    path = "candidates.csv"
    probe = "probe"            # column: which search; never published
    rank = "rank"              # 1, 2, ...; empty, as score and mate are, where a search returned nobody
    score = "score"
    mate = "mate"              # 1 where the candidate is the person searched for, 0 where not
    enrolled = "enrolled"      # 1 where that person is in the gallery (a mated search), 0 where not
    subject = "subject"        # optional: who is searched for
    gallery = 100000           # faces in the gallery
    list_length = 50           # optional: the longest list the system returns; absent: lists are whole
    floor = 0.3                # optional: the score below which the system returns nobody
    ranks = [1, 10]            # rank mode: is the person among the first R?
    target_fpir = [0.01]       # optional: thresholds set on all labelled non-mated searches

Columns of labels speak of the person searched for; ``<column>_candidate``, where it is there, of the candidate. Two
people may not both be named in an error message, a result or a log: subject and probe ids are used to count, and then
forgotten.
"""
