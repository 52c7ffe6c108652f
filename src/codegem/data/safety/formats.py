"""Secrets that are known by their format: the patterns of detect-secrets, and of services that it lacks.

Of detect-secrets (https://github.com/Yelp/detect-secrets) the compiled patterns of its plugins are used and
nothing else. So no plugin's `verify`, which asks the service over the network, is within reach, and its
settings, which are global, are not read.
"""

import importlib
import re
from collections.abc import Iterator
from functools import cache

from codegem.data.safety.placeholders import has_placeholder_word, is_placeholder
from codegem.data.safety.randomness import random_bits
from codegem.data.safety.rules import Span
from codegem.errors import UserError

# (module, class, group that is the secret). What its other plugins find by names, in URLs and by entropy is found in
# `assignments` and `entropy`, with the places that redaction needs.
_PLUGINS = (
    ("artifactory", "ArtifactoryDetector", 0),
    ("aws", "AWSKeyDetector", 1),
    ("discord", "DiscordBotTokenDetector", 0),
    ("github_token", "GitHubTokenDetector", 0),
    ("gitlab_token", "GitLabTokenDetector", 0),
    ("jwt", "JwtTokenDetector", 0),
    ("mailchimp", "MailchimpDetector", 0),
    ("npm", "NpmDetector", 1),
    ("openai", "OpenAIDetector", 0),
    ("pypi_token", "PypiTokenDetector", 0),
    ("sendgrid", "SendGridDetector", 0),
    ("slack", "SlackDetector", 0),
    ("square_oauth", "SquareOAuthDetector", 0),
    ("stripe", "StripeDetector", 0),
    ("telegram_token", "TelegramBotTokenDetector", 0),
    ("twilio", "TwilioKeyDetector", 0),
)
_BODY = r"[A-Za-z0-9_-]"
# (rule, pattern). The prefixes are those that the services document for their secret scanning partners.
_FORMATS = (
    ("age key", r"AGE-SECRET-KEY-1[0-9A-Z]{50,60}"),
    ("anthropic", rf"sk-ant-{_BODY}{{24,160}}"),
    ("atlassian", r"ATATT3[A-Za-z0-9_=-]{60,250}"),
    ("aws session", r"(?:FwoGZXIvYXdz|IQoJb3JpZ2lu)[A-Za-z0-9/+=]{60,1500}"),
    ("databricks", r"dapi[0-9a-f]{32}"),
    ("digitalocean", r"do[opr]_v1_[0-9a-f]{64}"),
    ("docker", rf"dckr_(?:pat|oat)_{_BODY}{{24,40}}"),
    ("doppler", r"dp\.[a-z]{2,5}\.[A-Za-z0-9]{40,48}"),
    ("facebook", r"EAA[A-Za-z0-9]{60,250}"),
    ("github", r"(?:gh[pousr]_[A-Za-z0-9]{36,255}|github_pat_[A-Za-z0-9_]{60,100})"),
    ("google api", rf"AIza{_BODY}{{35}}"),
    ("google oauth", rf"(?:GOCSPX-{_BODY}{{28}}|ya29\.{_BODY}{{30,300}}|1//0{_BODY}{{40,120}})"),
    ("grafana", r"(?:glc_[A-Za-z0-9+/=]{32,300}|glsa_[A-Za-z0-9]{32}_[0-9a-f]{8})"),
    ("hugging face", r"(?:hf|api_org)_[A-Za-z]{34}"),
    ("jwt", r"eyJ[A-Za-z0-9_-]{8,2000}\.eyJ[A-Za-z0-9_-]{4,2000}(?:\.[A-Za-z0-9_-]{8,1000})?"),
    ("linear", r"lin_api_[A-Za-z0-9]{40}"),
    ("mailgun", r"key-[0-9a-f]{32}"),
    ("new relic", r"NRAK-[A-Z0-9]{27}"),
    ("npm", r"npm_[A-Za-z0-9]{36}"),
    ("openai", rf"sk-(?:proj-|svcacct-|admin-)?{_BODY}{{40,200}}"),
    ("planetscale", rf"pscale_(?:tkn|pw|oauth)_{_BODY}{{32,64}}"),
    ("postman", r"PMAK-[0-9a-f]{24}-[0-9a-f]{34}"),
    ("pypi", rf"pypi-AgE{_BODY}{{50,300}}"),
    ("rubygems", r"rubygems_[0-9a-f]{48}"),
    ("sendgrid", rf"SG\.{_BODY}{{16,32}}\.{_BODY}{{16,64}}"),
    ("sentry", r"sntry[su]_[A-Za-z0-9+/=_]{60,300}"),
    ("shopify", r"shp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}"),
    ("slack", r"(?:xox[abeoprs]|xapp)-[A-Za-z0-9-]{20,250}"),
    ("slack hook", r"(?<=hooks\.slack\.com/services/)[A-Z0-9]{8,14}/[A-Z0-9]{8,14}/[A-Za-z0-9]{20,32}"),
    ("discord hook", rf"(?<=/api/webhooks/)[0-9]{{17,20}}/{_BODY}{{60,72}}"),
    ("square", rf"(?:sq0(?:atp|csp|idp)-{_BODY}{{22,43}}|EAAA{_BODY}{{56,64}})"),
    ("stripe", r"(?:(?:sk|rk)_(?:live|test|prod)_[A-Za-z0-9]{16,120}|whsec_[A-Za-z0-9+/=]{24,64})"),
    ("terraform", r"[A-Za-z0-9]{14}\.atlasv1\.[A-Za-z0-9_=-]{60,70}"),
    ("vault", r"hv[sbr]\.[A-Za-z0-9_-]{24,200}"),
    ("azure client", r"[A-Za-z0-9_.-]{3}[78]Q~[A-Za-z0-9_.~-]{31,34}"),
)
_ANY = "|".join(f"(?P<f{i}>{pattern})" for i, (_, pattern) in enumerate(_FORMATS))
_OWN = re.compile(rf"(?<![A-Za-z0-9_])(?:{_ANY})")
_EDGES = " \t\"'=:"
# RE2; a line without one of these holds nothing that this module or `private_keys` finds.
SCREEN = (
    r"PRIVATE KEY|PuTTY-User-Key-File"
    r"|AKC[a-zA-Z0-9]{10}|\bAP[0-9A-F][a-zA-Z0-9]{8}|A3T[A-Z0-9]{9}|A(?:BIA|CCA|KIA|SIA)[0-9A-Z]{9}|eyJ[A-Za-z0-9_=-]{8}"
    r"|\.[\w-]{6}\.[\w-]{12}|gh[pousr]_\w{9}|gl[a-z]{2,6}-[\w-]{12}|GR1348941|[0-9a-z]-us[0-9]|_authToken=|\bsk-[\w-]{12}"
    r"|pypi-AgE|SG\.[\w-]{12}|xox[a-z]-|xapp-|hooks\.slack|sq0[a-z]{3}-|k_(?:live|test|prod)_|[0-9]{8}:[\w-]{9}"
    r"|(?:\bAC|\bSK|dapi|key-|\bEAA)[a-zA-Z0-9]{9}|AGE-SECRET|ATATT3|FwoGZXIvYXdz|IQoJb3JpZ2lu|do[opr]_v1_|dckr_|dp\.[a-z]{2,5}\.\w"
    r"|github_pat_|AIza[\w-]{12}|GOCSPX-|ya29\.|1//0|glc_|glsa_|\bhf_[A-Za-z]{12}|api_org_|lin_api_|NRAK-|npm_\w{12}|pscale_"
    r"|PMAK-|rubygems_|sntry[su]_|shp[a-z]{2}_[0-9a-fA-F]{9}|/api/webhooks/|whsec_|\.atlasv1\.|hv[sbr]\.[\w-]{12}|[78]Q~"
)


def find_formats(line: str) -> Iterator[Span]:
    """Secrets of a known format in one line of bounded length."""
    for match in _OWN.finditer(line):
        rule = _FORMATS[int((match.lastgroup or "f0")[1:])][0]
        if not _is_example(match[0]) and _is_random(match[0]):
            yield Span(match.start(), match.end(), "secret", rule)
    for name, pattern, group in _patterns():
        for match in pattern.finditer(line):
            start, end = match.span(min(group, pattern.groups))
            start, end = _trim(line, start, end)
            if end > start and not _is_example(line[start:end]) and _is_random(line[start:end]):
                yield Span(start, end, "secret", name)


def _is_example(value: str) -> bool:
    # Long tokens hold short words by chance, so that only the ends and patterns count there.
    return is_placeholder(value[-24:]) or has_placeholder_word(value[:12].replace("_test_", "_"))


def _is_random(value: str) -> bool:
    return random_bits(value[-24:]) > 0


def _trim(line: str, start: int, end: int) -> tuple[int, int]:
    while start < end and line[start] in _EDGES:
        start += 1
    while start < end and line[end - 1] in _EDGES:
        end -= 1
    return start, end


@cache
def _patterns() -> tuple[tuple[str, re.Pattern[str], int], ...]:
    try:
        modules = [importlib.import_module(f"detect_secrets.plugins.{name}") for name, _, _ in _PLUGINS]
    except ImportError as error:
        raise UserError(f"Looking for secrets needs {error.name}: install codegem with its `data` extra.") from None
    plugins = [
        (name.replace("_", " "), getattr(m, cls), group)
        for m, (name, cls, group) in zip(modules, _PLUGINS, strict=True)
    ]
    return tuple((name, pattern, group) for name, plugin, group in plugins for pattern in plugin.denylist)
