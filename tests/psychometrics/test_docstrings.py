"""All that is public in the engine has a docstring, and a true example wherever a number can be shown."""

import doctest
import importlib
import inspect
import pkgutil

import pytest

from examapp import psychometrics

NAMES = [module.name for module in pkgutil.iter_modules(psychometrics.__path__)]
WITHOUT = {
    "marginal_likelihood.ascend": "the climb of calibrate, which has the example",
    "marginal_likelihood.sharpened": "the last step of calibrate",
    "latent_histogram.climb_with_histogram": "the climb of calibrate(latent='histogram')",
    "testlet_errors.observed_information": "what standard_errors, which has the example, inverts",
    "testlet_expectation.score_products": "the cross-product form of standard_errors, which has the example",
    "testlets.gradient_and_step": "one cycle of calibrate_testlets, which has the example",
}


def public(name):
    """Public functions and classes that a module defines, by name."""
    module = importlib.import_module(f"examapp.psychometrics.{name}")
    own = {key: value for key, value in vars(module).items() if getattr(value, "__module__", "") == module.__name__}
    return {
        key: value
        for key, value in own.items()
        if key[0] != "_" and (inspect.isroutine(value) or isinstance(value, type))
    }


def members(kind):
    """Public methods and properties that a class defines itself."""
    for key, value in vars(kind).items():
        if key[0] != "_" and (inspect.isroutine(value) or hasattr(value, "fget") or hasattr(value, "func")):
            yield key, getattr(kind, key)


@pytest.mark.parametrize("name", NAMES)
def test_examples_in_the_docstrings_hold(name: str) -> None:
    module = importlib.import_module(f"examapp.psychometrics.{name}")
    assert doctest.testmod(module).failed == 0


@pytest.mark.parametrize("name", NAMES)
def test_everything_public_says_what_it_is(name):
    assert (importlib.import_module(f"examapp.psychometrics.{name}").__doc__ or "").strip()
    silent = [key for key, value in public(name).items() if not inspect.getdoc(value)]
    silent += [
        f"{key}.{method}"
        for key, kind in public(name).items()
        if isinstance(kind, type)
        for method, value in members(kind)
        if not inspect.getdoc(value)
    ]
    assert silent == []


@pytest.mark.parametrize("name", NAMES)
def test_every_public_function_shows_an_example(name):
    functions = {key: value for key, value in public(name).items() if inspect.isfunction(inspect.unwrap(value))}
    bare = [f"{name}.{key}" for key, value in functions.items() if ">>>" not in (inspect.getdoc(value) or "")]
    assert set(bare) == {key for key in WITHOUT if key.split(".")[0] == name}
