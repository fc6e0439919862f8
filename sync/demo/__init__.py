"""The demo: the whole loop on both sandboxes, as processes, over real HTTP, and what it showed."""
