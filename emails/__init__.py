"""Email delivery: how does a message reach its recipient, and did it arrive?"""
