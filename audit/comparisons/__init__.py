"""Templates in, integer counts and the exact tail out."""
