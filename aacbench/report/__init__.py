"""The listening page: runs clip by clip, to hear, to read and to compare.

`write` makes a folder that opens from disk: nothing in it asks anything of any network.
"""

from aacbench.report.writing import Written, write

__all__ = ["Written", "write"]
