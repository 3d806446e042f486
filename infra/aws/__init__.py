"""The stack on AWS: what `make deploy`, `make diff` and `make destroy` do."""
