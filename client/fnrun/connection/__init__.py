"""Which stack, and who calls it: profiles, tokens, logins, and the local stack."""
