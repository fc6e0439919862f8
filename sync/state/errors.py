"""What can go wrong with the durable state, named for whoever has to mend it."""


class StateError(Exception):
    """The state cannot be reached or was asked for something it refuses; says the remedy."""
