"""What a session is told of its queue."""


def queue_pointer(waiting: int) -> str:
    """One line that says that there is work."""
    word = "task" if waiting == 1 else "tasks"
    return f'Your queue has {waiting} {word}: run "maestro queue start".'
