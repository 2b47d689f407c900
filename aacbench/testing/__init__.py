"""Does a part keep its contract? Checks for whoever writes a plugin, to call from a test.

Each check returns nothing, or raises `PluginFault`: which part, which rule, and what mends it. ::

    from aacbench.testing import check_plugin

    def test_plugin():
        check_plugin("hello")
"""

from aacbench.testing.captioners import check_captioner
from aacbench.testing.datasets import check_dataset
from aacbench.testing.guides import check_guide
from aacbench.testing.metrics import check_metric
from aacbench.testing.plugins import check_plugin
from aacbench.testing.retrievers import check_retriever, check_wrapper
from aacbench.testing.rules import NotChecked
from aacbench.testing.samples import sample_clips, sample_items, sample_pictures
from aacbench.testing.specs import check_spec
from aacbench.testing.vectors import check_classifier, check_encoder

__all__ = [
    "NotChecked",
    "check_captioner",
    "check_classifier",
    "check_dataset",
    "check_encoder",
    "check_guide",
    "check_metric",
    "check_plugin",
    "check_retriever",
    "check_spec",
    "check_wrapper",
    "sample_clips",
    "sample_items",
    "sample_pictures",
]
