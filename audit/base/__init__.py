"""What every room may use and what knows no room: photographs as files, and atomic, checksummed, private writing."""
