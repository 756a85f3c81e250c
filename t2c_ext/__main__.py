"""`python -m t2c_ext` is `t2c`."""

from t2c_ext.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
