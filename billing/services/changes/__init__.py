"""Changes of a subscription after the first checkout.

- ``requests``: what a person asks for: preview, change, cancel, resume. Pages and API call only this module.
- ``rules``: what is possible in which state.
- ``targets``: what the choice means for the subscription's items.
- ``quotes``: what it costs, and the token that holds a person to what they saw.
- ``execution``: makes a stored change, and repeats it until its outcome is known.
- ``steps``: the calls to Stripe that a change consists of.
"""
