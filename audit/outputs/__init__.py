"""A second way in: somebody else's scores or candidate lists, read and checked; what cannot be asked of them is refused by name."""
