"""What is more than one request. A handler takes a ``Call`` and answers an exit code."""
