"""The demo: what people type, and real calls, on a stack of its own that is stopped again.

story               the chapters in their order, from bringing the stack up to stopping it
sources, recovery   chapters: what starts runs by itself; retries and cancelling
proof, records      chapters: was it the fix; who has done what, and erasing a customer's data
users               who types `fnrun`: what it prints is shown, and what it has done is checked
printer             how it looks
"""
