"""Everything that starts a run, from each kind of caller to the one record and push."""
