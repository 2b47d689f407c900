"""Boards as Markdown, LaTeX and CSV. Names and notes are strangers' texts: escaped everywhere."""
