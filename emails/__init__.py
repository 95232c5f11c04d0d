"""The wire: how does a message get there, and did it?"""
