"""The demo: real calls that show what the product does, to a stack of its own.

story               the chapters in their order, from bringing the stack up to stopping it
sources, recovery   chapters: what starts runs by itself; retries and cancelling
proof, records      chapters: was it the fix; who has done what, and erasing a customer's data
users               who calls the API: each answer is printed and checked
printer             how it looks
"""
