"""A browser, a page to open in it, and a small leaderboard to add runs to."""

from browser import chromium
from site_sample import sample_site
from small_board import board, finished_runs

__all__ = ["board", "chromium", "finished_runs", "sample_site"]
