"""Results in, pages out. Reads results and vocabulary, opens no file."""
