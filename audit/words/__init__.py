"""Terms, columns and wording: what things are called, stated once."""
