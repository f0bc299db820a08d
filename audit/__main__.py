"""``python -m audit`` and the command ``face-audit``."""

from __future__ import annotations

import sys

__all__ = ["main"]


def main() -> None:
    """Run the command line."""
    from audit.cli import run_command_line
    from audit.cli.streams import seal

    code = run_command_line(sys.argv[1:])
    seal()
    sys.exit(code)


if __name__ == "__main__":
    main()
