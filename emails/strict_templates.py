"""Django templates in which a missing variable is an error, also in ``{% if %}``, filters, loops, and includes.

Django shows nothing in its place, and a setting that changes this for one engine changes it for all pages. A strict
engine reads the templates of a configured engine and compiles them again, so the rest of the site isn't affected.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any
from weakref import WeakKeyDictionary

from django.template import Context, Engine, Node, NodeList, Origin, Template, VariableDoesNotExist
from django.template.base import DebugLexer, FilterExpression, Parser, Token, Variable
from django.templatetags.i18n import BlockTranslateNode

from emails.errors import BrokenTemplate, MissingVariable


class NoValue(str):
    """What Django uses in place of a value that it can't get, for example from a method that needs arguments."""

    __slots__ = ()


NO_VALUE = NoValue()


class StrictContext(Context):
    """The variables of one part of an email, and those that its templates looked up without finding them."""

    def __init__(self, kind: str, values: Mapping[str, object], *, autoescape: bool) -> None:
        super().__init__(dict(values), autoescape=autoescape)
        self.kind = kind
        # Some tags swallow exceptions: in {% if %}, "a or b" is false if looking up a raises one.
        self.missing: list[MissingVariable] = []


def missing_variable(context: Context, template: str, name: str, line: int) -> MissingVariable:
    """Return the error. It is also recorded in the context."""
    error = MissingVariable(getattr(context, "kind", ""), template, name, line)
    getattr(context, "missing", []).append(error)
    return error


class StrictVariable(Variable):
    """A variable that raises ``MissingVariable`` if the context lacks it or one of its attributes."""

    __slots__ = ("line", "template")

    def __init__(self, var: str, template: str, line: int) -> None:
        super().__init__(var)
        self.template = template
        self.line = line

    def resolve(self, context: Any) -> Any:
        try:
            value = super().resolve(context)
        except VariableDoesNotExist:
            value = NO_VALUE
        if value is NO_VALUE:
            raise missing_variable(context, self.template, str(self.var), self.line)
        return value


def strict(variable: Variable, template: str, line: int) -> Variable:
    """Return a strict variable, or the same one if it is a number, which has no name to look up."""
    return StrictVariable(str(variable.var), template, line) if variable.lookups else variable


class StrictFilterExpression(FilterExpression):
    """A variable with filters, whose arguments may be variables as well."""

    __slots__ = ()

    def __init__(self, token: str, parser: Parser) -> None:
        super().__init__(token, parser)
        place = template_name(parser.origin), getattr(parser, "line", 0)
        if self.is_var:
            self.var = strict(self.var, *place)
        self.filters = [
            (function, [(is_var, strict(value, *place) if is_var else value) for is_var, value in args])
            for function, args in self.filters
        ]


class StrictBlockTranslateNode(BlockTranslateNode):
    """``{% blocktranslate %}``, which looks up the variables in its text without resolving expressions."""

    names: set[str]
    texts: dict[int, tuple[str, list[str]]]

    @classmethod
    def convert(cls, node: BlockTranslateNode) -> None:
        parts = [tokens for tokens in (node.singular, node.plural) if tokens]
        texts = {id(tokens): node.render_token_list(tokens) for tokens in parts}
        shown = {name for _, names in texts.values() for name in names}
        node.__class__ = cls
        vars(node).update(texts=texts, names=shown - {*node.extra_context, node.countervar})

    def render_token_list(self, tokens: list[Token]) -> tuple[str, list[str]]:
        """Return the text for the translator and its variables, which Django puts together again for each email."""
        text, names = self.texts[id(tokens)]
        return text, [*names]

    def render(self, context: Context, nested: bool = False) -> Any:
        for name in self.names:
            if name not in context:
                raise missing_variable(context, template_name(self.origin), name, line_of(self.token))
        return super().render(context, nested)


class StrictParser(Parser):
    line = 0  # of the token that is being compiled

    def next_token(self) -> Token:
        token = super().next_token()
        self.line = line_of(token)
        return token

    def compile_filter(self, token: str) -> FilterExpression:
        return StrictFilterExpression(token, self)

    def extend_nodelist(self, nodelist: NodeList, node: Node, token: Token) -> None:
        if type(node) is BlockTranslateNode:
            StrictBlockTranslateNode.convert(node)
        super().extend_nodelist(nodelist, node, token)


class StrictTemplate(Template):
    engine: "StrictEngine"

    def compile_nodelist(self) -> NodeList:
        engine, tokens = self.engine, DebugLexer(self.source).tokenize()
        parser = engine.parser_class(tokens, engine.template_libraries, engine.template_builtins, self.origin)
        nodelist = parser.parse()
        self.extra_data = parser.extra_data  # the partials of Django 6
        return nodelist


class StrictEngine(Engine):
    """An engine with the templates and the options of another one. Also used for what they extend and include."""

    parser_class = StrictParser

    def __init__(self, source: Engine) -> None:
        super().__init__(
            libraries=source.libraries,
            builtins=source.builtins,
            autoescape=source.autoescape,
            string_if_invalid=NO_VALUE,
            # Errors get an attribute with the template and the line. This costs nothing until one happens.
            debug=True,
        )
        self.source = source
        # The source decides when a template is loaded again, for example after a change during development.
        self.compiled: WeakKeyDictionary[Template, StrictTemplate] = WeakKeyDictionary()

    def find_template(self, name: str, dirs: Any = None, skip: list[Origin] | None = None) -> tuple[Template, Origin]:
        """Return the strict form of a template. Raises ``BrokenTemplate`` if it can't be compiled."""
        try:
            template, origin = self.source.find_template(name, dirs, skip)
        except Exception as error:
            if isinstance(error, BrokenTemplate) or not (token := getattr(error, "token", None)):
                raise
            raise BrokenTemplate(name, token.lineno, f"{type(error).__name__}: {error}") from error
        compiled = self.compiled.get(template)
        if compiled is None:
            compiled = self.compiled[template] = StrictTemplate(template.source, origin, template.name, self)
        return compiled, origin

    def render(self, name: str, kind: str, values: Mapping[str, object]) -> str:
        """Render a template for this kind of email. Raises ``MissingVariable`` and ``TemplateDoesNotExist``."""
        context = StrictContext(kind, values, autoescape=self.autoescape)
        try:
            rendered = self.get_template(name).render(context)
        finally:
            if context.missing:
                raise context.missing[0] from None
        return rendered


# Not one per name, because tests configure other engines.
@lru_cache(maxsize=8)
def strict_engine(source: Engine) -> StrictEngine:
    return StrictEngine(source)


def line_of(token: Token | None) -> int:
    return (token.lineno or 0) if token else 0


def template_name(origin: Origin | None) -> str:
    return str(origin.template_name) if origin else ""
