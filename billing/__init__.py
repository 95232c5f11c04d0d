"""Billing with Stripe: plans, subscriptions, payments, and refunds."""
