"""Who did what: one act for each thing that a person or a client has done, kept for longer than runs are."""
