"""A small leaderboard to add runs to."""

from small_board import board, finished_runs

__all__ = ["board", "finished_runs"]
