"""Users and their API: who is this person?"""
