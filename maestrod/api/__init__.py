"""HTTP and the event stream: bring commands in, carry answers and commits out."""
