"""The leaderboard as a page that opens from disk: no server, no network, every number traceable."""

from aacbench.leaderboard.site.writer import write

__all__ = ["write"]
