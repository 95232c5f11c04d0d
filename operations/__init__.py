"""The operator's view of the whole project: is everything running, and what needs a person's attention?"""
