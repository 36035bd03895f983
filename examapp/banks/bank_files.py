"""A bank as a folder of reviewed text files: `bank.yaml`, an item a file in `items/`, a stimulus a file in `stimuli/`.

Reading never stops at the first error: it returns what it could read and every finding with file, line, column and
remedy. Writing gives each content one text, and never touches a file that already says the same.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, ValidationError

from examapp.banks import figures, variants
from examapp.banks.content import Content, ItemContent, StimulusContent
from examapp.banks.fields import Code, Line, Part, Problem, Text, problems_of
from examapp.banks.item_types import check
from examapp.banks.located_yaml import MAXIMUM_BYTES, LocatedYaml, Place, read_located
from examapp.banks.yaml_text import as_yaml
from examapp.errors import N_, InvalidInput, Refused

ERROR = "error"
WARNING = "warning"
BANK_FILE = "bank.yaml"
ITEMS = "items"
STIMULI = "stimuli"
KINDS: dict[str, type[Content]] = {STIMULI: StimulusContent, ITEMS: ItemContent}


class BankContent(Part):
    """What holds for a whole bank; `scale` names the scale of its item parameters, `retired` its items out of use."""

    code: Code
    field: Code
    level: Literal["primary", "middle", "high"]
    title: Text
    languages: Annotated[tuple[Literal["zh", "en"], ...], Field(min_length=2, max_length=2)] = ("zh", "en")
    scale: Annotated[str, Field(pattern=r"^[a-z0-9]+([.-][a-z0-9]+)*$", max_length=80)]
    review: Text
    licence: Line
    retired: Annotated[tuple[Code, ...], AfterValidator(sorted), AfterValidator(tuple)] = ()


@dataclass(frozen=True)
class Finding:
    """An error or warning about a bank file: where it is, its stable code, what is wrong and what to do."""

    file: str
    place: Place
    severity: str
    code: str
    message: str

    @property
    def where(self) -> str:
        """The place as file:line:column, which editors open."""
        return f"{self.file}:{self.place.line}:{self.place.column}"

    def __str__(self) -> str:
        return f"{self.where}: {self.severity}: {self.message}"


@dataclass(frozen=True)
class BankFiles:
    """The content of a bank, in the order of the ids; `bank.retired` names the items that are out of use."""

    bank: BankContent
    items: tuple[ItemContent, ...]
    stimuli: tuple[StimulusContent, ...]


@dataclass
class Reading:
    """What was read from a folder: contents by id, all findings, and the places of everything."""

    folder: Path
    bank: BankContent | None = None
    items: dict[str, ItemContent] = field(default_factory=dict)
    stimuli: dict[str, StimulusContent] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    sources: dict[str, LocatedYaml] = field(default_factory=dict)

    def add(self, name: str, where: tuple[str | int, ...], code: str, message: str, severity: str = ERROR) -> None:
        """Add a finding about the field `where` of the file `name`, given relative to the folder."""
        source = self.sources.get(name, LocatedYaml())
        place = source.place(where, at_key="is not a field" in message)
        self.findings.append(Finding(str(self.folder / name), place, severity, code, message))

    @property
    def errors(self) -> list[Finding]:
        """The findings that keep the bank from being imported."""
        return [finding for finding in self.findings if finding.severity == ERROR]

    def files(self) -> BankFiles:
        """Return the bank, or raise `InvalidInput` with every error and its place."""
        if self.errors or self.bank is None:
            problems = [(finding.where, finding.message) for finding in self.errors]
            raise InvalidInput("bank.files_wrong", N_("The bank files have errors; nothing was imported."), problems)
        items = tuple(self.items[id] for id in sorted(self.items))
        return BankFiles(self.bank, items, tuple(self.stimuli[id] for id in sorted(self.stimuli)))


def read_bank(folder: Path) -> BankFiles:
    """Return the bank in `folder`; raise `InvalidInput` that names all errors of all files."""
    return read_folder(folder).files()


def read_folder(folder: Path) -> Reading:
    """Return what can be read of the bank in `folder`, with all findings in the order of files and lines."""
    reading = Reading(folder)
    _read_bank_file(reading)
    for subfolder, model in KINDS.items():
        for name in _names(reading, subfolder):
            _read_content(reading, name, model)
    for stimulus in reading.stimuli.values():
        for problem in (*variants.stimulus_problems(stimulus), *figures.check(stimulus)):
            _add_problem(reading, file_of(stimulus), problem, "stimulus.numbers")
    for item in reading.items.values():
        _check_numbers(reading, item)
    if reading.bank is not None:
        for code in reading.bank.retired:
            if not (folder / file_name(ITEMS, code)).is_file():
                message = f"retired: `{code}` is not an item of this bank; correct or remove it"
                reading.add(BANK_FILE, ("retired",), "bank.unknown_item", message)
    reading.findings.sort(key=lambda finding: (finding.file, finding.place.line, finding.place.column))
    return reading


def file_of(content: Content) -> str:
    """Return the name of the file of an item or stimulus, relative to the bank's folder."""
    return file_name(ITEMS if isinstance(content, ItemContent) else STIMULI, content.id)


def file_name(subfolder: str, code: str) -> str:
    """Return the name of the file of the item or stimulus with this code, relative to the bank's folder."""
    return f"{subfolder}/{code}.yaml"


def _read_bank_file(reading: Reading) -> None:
    value = _value(reading, BANK_FILE)
    if value is None:
        return
    try:
        reading.bank = BankContent.model_validate(value)
    except ValidationError as error:
        for problem in problems_of(error):
            _add_problem(reading, BANK_FILE, problem, "bank.field")


def _names(reading: Reading, subfolder: str) -> Iterator[str]:
    """Yield the files of a subfolder; whatever else lies there is named, for it would silently be left out."""
    folder = reading.folder / subfolder
    if not folder.is_dir():
        if subfolder == ITEMS:
            reading.add(subfolder, (), "bank.no_items", "is missing; make the folder and put one file an item in it")
        return
    for path in sorted(folder.iterdir()):
        name = f"{subfolder}/{path.name}"
        if path.is_symlink() or not path.is_file():
            reading.add(name, (), "bank.not_a_file", "is not a plain file; put the file itself here")
        elif path.suffix == ".yaml":
            yield name
        elif not path.name.startswith("."):
            reading.add(name, (), "bank.file_name", "is not a .yaml file; rename it or move it elsewhere")


def _value(reading: Reading, name: str) -> dict[str, Any] | None:
    """Return the fields in a file, or None when it holds no map of fields; flaws of its YAML become findings."""
    path = reading.folder / name
    try:
        with path.open("rb") as stream:
            source = read_located(stream.read(MAXIMUM_BYTES + 1))
    except OSError as error:
        reading.add(name, (), "bank.no_file", f"cannot be read ({error.strerror}); put the file here")
        return None
    reading.sources[name] = source
    for flaw in source.flaws:
        finding = Finding(str(path), flaw.place, ERROR, flaw.code, flaw.message % flaw.parameters)
        reading.findings.append(finding)
    if isinstance(source.value, dict):
        return source.value
    if not source.flaws:
        reading.add(name, (), "bank.no_fields", "does not hold `name: value` fields; see question_banks/README.md")
    return None


def _read_content(reading: Reading, name: str, model: type[Content]) -> None:
    value = _value(reading, name)
    if value is None:
        return
    try:
        content = model.model_validate(value)
    except ValidationError as error:
        for problem in problems_of(error):
            _add_problem(reading, name, problem, "content.field")
        return
    if content.id != Path(name).stem:
        message = f"id: `{content.id}` is not the file's name; name the file {content.id}.yaml"
        reading.add(name, ("id",), "content.id", message)
        return
    if isinstance(content, ItemContent):
        problems = check(content)
        for problem in problems:
            _add_problem(reading, name, problem, "item.field")
        if not problems:
            reading.items[content.id] = content
    elif isinstance(content, StimulusContent):
        reading.stimuli[content.id] = content


def _add_problem(reading: Reading, name: str, problem: Problem, code: str) -> None:
    path = ".".join(str(part) for part in problem.where)
    reading.add(name, problem.where, code, f"{path}: {problem.message}" if path else problem.message)


def _check_numbers(reading: Reading, item: ItemContent) -> None:
    """Check what an item shares with its stimulus, and that its numbers can be drawn."""
    stimulus = reading.stimuli.get(item.stimulus or "")
    if item.stimulus is not None and stimulus is None:
        if not (reading.folder / STIMULI / f"{item.stimulus}.yaml").is_file():
            message = f"stimulus: there is no stimuli/{item.stimulus}.yaml; write it or correct the name"
            reading.add(file_of(item), ("stimulus",), "item.no_stimulus", message)
    elif item.variables or stimulus:
        for problem in variants.problems(item, stimulus):
            _add_problem(reading, file_of(item), problem, "item.numbers")


def write_bank(files: BankFiles, folder: Path) -> list[str]:
    """Write the bank to `folder` and return the names of the files that changed; other files are left alone."""
    contents: dict[str, Part] = {BANK_FILE: files.bank}
    contents |= {file_of(content): content for content in (*files.stimuli, *files.items)}
    written = []
    for name, content in contents.items():
        path = folder / name
        if not (path.is_file() and _says(path.read_bytes(), content)):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text_of(content).encode())
            written.append(name)
    return written


def text_of(content: Part) -> str:
    """Return the text of the file of an item, a stimulus or a bank; it is read back, so nothing is ever lost."""
    given = content.authored() if isinstance(content, Content) else content.model_dump(mode="json")
    text = as_yaml({name: value for name, value in given.items() if value != []})
    if not _says(text.encode(), content):
        name = getattr(content, "id", BANK_FILE)
        raise Refused("bank.not_writable", N_("%(name)s cannot be written as a bank file without a loss."), name=name)
    return text


def _says(data: bytes, content: Part) -> bool:
    """Say whether the bytes of a file read as this content, whatever its comments and quotes are."""
    source = read_located(data)
    try:
        return not source.flaws and type(content).model_validate(source.value) == content
    except ValidationError:
        return False
