"""Putting firmware onto boards, by the tools that are made for it."""
