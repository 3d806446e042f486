"""The demos: what people type, and real calls, on a stack of its own that is stopped again.

demo_stack          brings the stack up, and stops it whatever happens
demo                `make demo`: the sections in their order
sources, recovery   sections: what starts runs by itself; retries and cancelling
proof, records      sections: was it the fix; who has done what, and erasing a customer's data
outage              `make demo-outage`: 200 failed orders, found and recovered by a batch of re-runs
shop                the shop of that demo: its orders, what they break on, and its function's own records
users               who types `fnrun`: what it prints is shown, and what it has done is checked
printer             how it looks
"""
