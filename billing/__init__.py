"""Stripe: what did this person pay?"""
