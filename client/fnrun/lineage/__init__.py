"""The tree of a lineage, as the contract of the service draws it."""
