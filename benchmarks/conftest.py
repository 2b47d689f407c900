"""Lets benchmarks that pytest runs import what they share with those that run as scripts."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parent))
