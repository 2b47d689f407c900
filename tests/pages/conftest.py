"""The browser that these tests open pages in."""

from browser import chromium

__all__ = ["chromium"]
