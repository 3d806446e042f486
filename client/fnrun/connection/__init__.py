"""Which stack is called, and with whose token: profiles, the local stack, logins and what they leave behind."""
