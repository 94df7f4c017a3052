"""Advice: whether to fine-tune at all, and what to do first; measured on the rows, offline, each sentence with source.

rows ─► signals (numbers) ─► rules (`rules.toml`, ordered) ─► a verdict, all reasons, what would change it
"""
