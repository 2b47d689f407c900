"""Knowledge bases: pairs of sound and caption, embedded once, for captioners to look things up in.

A base is a folder of shards that are only ever added to, so that building it can be interrupted,
parted among machines and gone on with. Searching it is one inner product (`searching`).
"""
