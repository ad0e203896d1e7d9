"""What can be done to people, one file each: read plainly, decided by the domain, kept by a store.

Every operation takes the store, its own arguments, and `Terms`: when, and within which limits.
"""
