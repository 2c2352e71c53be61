"""What crosses the socket: routes, bodies, problems, frames."""
