"""The results directory: written once, read by everybody, verified to the last number."""
