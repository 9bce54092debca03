"""Measures goempy against the modules that people use today: ``python -m tests.bench``.

`run_time`, `build_time` and `release_time` measure, with what `world` makes;
`model` is the data, which `page` and `plots` show.
"""
