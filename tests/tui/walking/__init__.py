"""What every key of the screen does, so that it can be seen: one expectation for each row of the table."""
