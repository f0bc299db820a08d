"""The folder itself is on the path: ``resampling`` is an oracle of its own, not part of the tool."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
