"""Backtests: whether a score or a model has earned being used, on an honest look at the past (domain C.6).

``table`` holds rows of facts, ``split`` divides them by time, ``leaks`` finds columns that know the
future, ``encoding`` and ``fitting`` make a model, ``ranking`` and ``calibration`` measure it,
``baselines`` and ``alarms`` give what it is held against, ``gate`` decides, ``report`` does all of it.
"""
