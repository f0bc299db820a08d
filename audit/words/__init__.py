"""The words of this project: terms, columns of tables, and how numbers are put into sentences."""
