"""{{title}}: the front door. What is not named here is private."""

from .label import Label, LabelError

__all__ = ["Label", "LabelError", "__version__"]

__version__ = "0.1.0"
