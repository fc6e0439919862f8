"""The demo portfolio: customers of a made-up vendor in a folder of JSON lines.

``model.py`` says what is in the folder; ``read.py`` reads it, ``write.py`` writes it.
Two ways lead to a folder: ``generate.py`` makes one up from a seed, ``convert.py`` reads
somebody else's CSV files by a mapping. The two CRM sandboxes load such folders.
"""
