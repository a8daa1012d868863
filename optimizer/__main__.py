"""Entry point of ``python -m optimizer``, the same as the ``sunshift`` command."""

from optimizer.cli.main import main

if __name__ == "__main__":
    raise SystemExit(main())
