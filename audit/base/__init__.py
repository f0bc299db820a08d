"""What every room may use and that uses no room: errors, groups, machine, options, photographs as files, journals."""
