"""Backtests: whether a score or a model has earned being used, on an honest look at the past (domain C.6).

``table`` holds rows of facts, ``split`` divides them by time. ``leaks``, ``foresight`` and ``later`` find
columns that know the future, ``signals`` and ``clockwork`` say what may be asked of each. ``encoding`` and
``fitting`` make a model, ``ranking`` and ``calibration`` measure it, ``baselines`` and ``alarms`` are what it
is held against; ``gate`` decides, ``run`` does all of it and fills a ``report``.
"""
