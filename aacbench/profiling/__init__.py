"""What a captioner costs: latency by stage, memory, parameters, operations, energy.

A percentile is told where there are samples enough, and a whole profile is VALID, or INVALID with
the reason. Compare profiles of the same machine only.
"""

from aacbench.profiling.report import Profile
from aacbench.profiling.sweeping import Row, Sweep, sweep
from aacbench.profiling.taking import profile

__all__ = ["Profile", "Row", "Sweep", "profile", "sweep"]
