"""YAML -> Config: every error at once, each with its file, line, path and remedy."""

from monitor.config.loader import examine, load, load_modules, schema, validate
from monitor.config.problem import ConfigError, Problem

__all__ = ["ConfigError", "Problem", "examine", "load", "load_modules", "schema", "validate"]
