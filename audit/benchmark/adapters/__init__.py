"""One module per public benchmark: native files in, the one canonical frame out."""
