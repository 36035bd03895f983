"""All that is public in the engine has a docstring: a true example, the shape of every array, a source."""

import ast
import doctest
import importlib
import inspect
import pkgutil
import re
from pathlib import Path

import pytest

from examapp import psychometrics
from examapp.psychometrics import undetermined

NAMES = [module.name for module in pkgutil.iter_modules(psychometrics.__path__)]
ARRAY = re.compile(r"npt\.ArrayLike|npt\.NDArray|\b(Floats|Codes|Indices|Mask|Hashes)\b")
LISTS = re.compile(r"Callable|Sequence\[|Iterable")
AXES = r"\([A-Za-z0-9+* -]+,[A-Za-z0-9+* ,-]*\)"
BESIDE = r"`?(,? (and |or )?`\w+`)*(,? [A-Za-z]{1,3} | | each )"  # other names of the same shape, or a symbol
ANY = r"(?:has|have|of|may have|are of) (?:any|one) shape"
SOURCE = re.compile(r"[A-Z][\w'-]+( et al\.)?,?\s\(?\d{4}")
OWN = {
    "blas.single_thread": "says how many threads there are",
    "responses.codes": "reads what was given",
    "responses.person_blocks": "counts people",
    "response_models.logistic": "its own formula",
    "response_models.logit": "its own formula",
    "response_models.nonzero": "its own rule",
    "response_models.subtract_symmetric": "bookkeeping of a matrix",
    "dif.size_classes": "each method that calls it has the source of its limits",
    "free_parameters.layout": "bookkeeping of a vector",
    "maximization.is_possible": "its own rule",
    "simulation.simulate_abilities": "draws from the normal distribution",
    "simulation.simulate_responses": "states its own rule",
    "simulation.random_design": "states its own rule",
    "stacks.in_blocks": "cuts responses into blocks",
    "stacks.thinned": "takes some of the rows",
    "starting_values.margins": "counts people",
    "starting_values.start_items": "states its own rule",
    "undetermined.as_nan": "what the engine does with gaps",
    "undetermined.gaps": "looks for NaN",
    "undetermined.refused": "what the engine does with gaps",
}
WHERE = re.compile(r"[^:]+: \S")
MARKED = "refused.<locals>.mark.<locals>.marked"


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
    bare = [f"{name}.{key}" for key, value in functions(name).items() if ">>>" not in (inspect.getdoc(value) or "")]
    assert bare == []


def functions(name):
    """The public functions of a module, by name, without what decorates them."""
    unwrapped = {key: inspect.unwrap(value) for key, value in public(name).items()}
    return {key: value for key, value in unwrapped.items() if inspect.isfunction(value)}


def said(name, function):
    """What the docstrings of a function and of its module say before the example."""
    module = importlib.import_module(f"examapp.psychometrics.{name}")
    return f"{(inspect.getdoc(function) or '').partition('>>>')[0]}\n{module.__doc__}"


def referred(name, function):
    """What the docstrings say of whatever the function's own names in backticks."""
    module = importlib.import_module(f"examapp.psychometrics.{name}")
    known = [getattr(module, word, None) for word in re.findall(r"`(\w+)`", said(name, function))]
    return " ".join(
        inspect.getdoc(value) or "" for value in known if inspect.isroutine(value) or inspect.isclass(value)
    )


@pytest.mark.parametrize("name", NAMES)
def test_every_array_that_is_taken_or_given_has_its_shape(name):
    shapeless = []
    for key, function in functions(name).items():
        signature, text = inspect.signature(function), re.sub(r"\s+", " ", said(name, function))
        arrays = [p for p in signature.parameters.values() if ARRAY.search(str(p.annotation))]
        taken = [p.name for p in arrays if not LISTS.search(str(p.annotation))]
        shapeless += [f"{key}({p})" for p in taken if not re.search(rf"\b{p}\b{BESIDE}({AXES}|{ANY})", text)]
        if ARRAY.search(str(signature.return_annotation)) and not re.search(rf"{AXES}|{ANY}", text):
            shapeless.append(f"{key} -> {signature.return_annotation}")
    assert shapeless == []


@pytest.mark.parametrize("name", NAMES)
def test_every_function_has_a_source_or_is_its_own(name):
    sourceless = {
        f"{name}.{key}"
        for key, function in functions(name).items()
        if not SOURCE.search(said(name, function)) and not SOURCE.search(referred(name, function))
    }
    assert sourceless == {key for key in OWN if key.partition(".")[0] == name}


def test_errors_say_where_they_are():
    folder = Path(psychometrics.__file__).parent
    silent = [
        f"{path.name}:{line}" for path in folder.glob("*.py") for line, text in raised(path) if not WHERE.match(text)
    ]
    assert silent == []


def raised(path):
    """Lines and messages of all ValueErrors of a module, {} for what is filled in."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
            message = node.exc.args[0]
            parts = message.values if isinstance(message, ast.JoinedStr) else [message]
            yield node.lineno, "".join(p.value if isinstance(p, ast.Constant) else "{}" for p in parts)


def promised(name, function):
    """What the docstrings of a function and of the class it returns, alone or in a list, say."""
    module = importlib.import_module(f"examapp.psychometrics.{name}")
    returned = str(inspect.signature(function).return_annotation).removeprefix("list[").rstrip("]")
    kind = getattr(module, returned, None)
    return f"{inspect.getdoc(function)} {inspect.getdoc(kind) if inspect.isclass(kind) else ''}"


@pytest.mark.parametrize("name", NAMES)
def test_whatever_may_be_refused_as_undetermined_says_where(name):
    routines = {key: value for key, value in public(name).items() if inspect.isfunction(value)}
    marked = {key: value for key, value in routines.items() if value.__code__.co_qualname == MARKED}
    assert [key for key, value in marked.items() if "ndetermined" not in promised(name, value)] == []


def test_a_function_that_may_refuse_is_known_by_its_code():
    assert undetermined.refused("items", "nothing")(len).__code__.co_qualname == MARKED
