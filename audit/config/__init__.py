"""TOML in, one frozen ``AuditConfig`` out, or one refusal that names file, line and key."""

from audit.config.parsing import load_config, parse_config, schema, shown
from audit.config.sections import AuditConfig, OperatingPointConfig

__all__ = ["AuditConfig", "OperatingPointConfig", "load_config", "parse_config", "schema", "shown"]
