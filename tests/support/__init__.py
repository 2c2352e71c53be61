"""What the tests share: waiting for conditions, private homes, real daemons."""
