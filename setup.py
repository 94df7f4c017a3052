"""What pyproject.toml cannot say without a warning: the compiled loops of near-duplicate search.

They are optional: where no compiler or no headers of Python are at hand, NumPy does the same work.
"""

from setuptools import Extension, setup

setup(
    ext_modules=[
        Extension(
            "ftdata.similarity._kernel",
            ["src/ftdata/similarity/kernel.c"],
            extra_compile_args=["-O3"],
            py_limited_api=True,
            optional=True,
        )
    ],
    options={"bdist_wheel": {"py_limited_api": "cp311"}},
)
