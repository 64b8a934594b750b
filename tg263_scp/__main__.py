"""``python -m tg263_scp`` is the same as ``tg263-scp``."""

from tg263_scp.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
