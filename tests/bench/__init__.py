"""Measures goempy against the modules that people use today: ``python -m tests.bench``.

| module | does |
|---|---|
| `model` | what was measured, as data; `results.json` is it |
| `measure` | runs programs and notes time, processor time and memory |
| `world` | what is measured with: archives, a release, programs, each made at its first use |
| `pairs` | what is compared at run time |
| `running`, `warm`, `building`, `release_time`, `growth`, `profile`, `machine` | the figures |
| `reasons` | why an aim is missed; without a reason there is no page |
| `judged`, `wording`, `sheet`, `plots`, `flames`, `render` | BENCHMARKS.md and its pictures |
"""
