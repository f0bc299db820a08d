"""Pure functions of statistics: numpy and scipy in, numbers out; imports nothing of ours."""
