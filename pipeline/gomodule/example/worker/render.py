"""Templates of string.Template, checked once in each process and rendered for each call."""

from string import Template

templates = {}


def load(texts):
    templates.update((name, Template(text)) for name, text in texts.items())


def render(request):
    return templates[request["template"]].substitute(request["values"])
