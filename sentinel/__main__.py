"""`python -m sentinel` is the command `sentinel`."""

from __future__ import annotations

from sentinel.cli.main import main

if __name__ == "__main__":
    main()
