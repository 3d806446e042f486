"""The emulator's entry point: `python -m infra.local.emulated_aws`, with the environment `emulator.py` gives it."""

from ministack.app import main

from infra.local import corrections

if __name__ == "__main__":
    corrections.apply_all()
    main()
