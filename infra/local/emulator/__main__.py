"""The emulator's entry point: `python -m infra.local.emulator`, with the environment that `process.py` gives it."""

from ministack.app import main

from infra.local.emulator import corrections

if __name__ == "__main__":
    corrections.apply_all()
    main()
