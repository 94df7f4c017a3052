"""The step `fit`: edit rows so that a target takes them, and say what its dialect cannot carry."""

from ftdata.transforms.fit.stage import Fit

__all__ = ["Fit"]
