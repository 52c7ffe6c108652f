"""Secrets that the code can't know, planted by a seeded generator in code of ten languages.

The kinds are of two sets, of secrets and of what looks like some. The rules were written with results on `DEVELOPED`
in view; `HELD_OUT` was written before it was first run, and no rule was changed in its view after. Three kinds in which
the first run found faults, `signing`, `telegram` and `pod`, stand with the developed ones since. Nothing here is shared
with the implementation.
"""

import random
import string
from base64 import b64encode, urlsafe_b64encode
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from json import dumps
from typing import Any
from uuid import UUID

import pytest

from codegem.data.safety.rules import SafetyRules
from codegem.data.safety.safe import make_safe

pytest.importorskip("detect_secrets")

LOWER, UPPER, DIGITS = string.ascii_lowercase, string.ascii_uppercase, string.digits
ALNUM = LOWER + UPPER + DIGITS
SECRET_KINDS = {"secret", "password", "private key"}
Make = Callable[[random.Random], str]


def rng_choice(rng: random.Random, *values: Any) -> Any:
    return rng.choice(values)


def draw(rng: random.Random, letters: str, n: int) -> str:
    return "".join(rng.choices(letters, k=n))


def hexadecimal(rng: random.Random, n: int) -> str:
    return draw(rng, "0123456789abcdef", n)


def encoded(rng: random.Random, n: int) -> str:
    return b64encode(rng.randbytes(n)).decode()


def web_token(rng: random.Random) -> str:
    def part(value: dict[str, object]) -> str:
        return urlsafe_b64encode(dumps(value, separators=(",", ":")).encode()).decode().rstrip("=")

    header = {"alg": rng.choice(["HS256", "RS256"]), "typ": "JWT"}
    claims = {"sub": str(rng.randrange(10**9)), "iat": rng.randrange(10**9, 2 * 10**9), "role": "admin"}
    return f"{part(header)}.{part(claims)}.{draw(rng, ALNUM + '-_', 43)}"


def human_password(rng: random.Random) -> str:
    word = rng.choice(["Dragon", "Winter", "falcon", "Bluebird", "Monday", "coffee", "Everest", "tiger"])
    return f"{word}{rng.randrange(10, 9999)}{rng.choice('!#@$%&*')}{rng.choice(['', 'x', 'Q7'])}"


def random_password(rng: random.Random) -> str:
    letters = ALNUM + "!#@%^*-_+=?"
    return rng.choice(LOWER) + draw(rng, letters, rng.randrange(9, 18)) + rng.choice(DIGITS)


# How ten languages give a text to a name. `{n}` is the name in snake case, `{c}` in camel case, `{u}` in capitals.
ASSIGN: dict[str, list[str]] = {
    "py": [
        '{n} = "{v}"',
        "{u}: str = '{v}'",
        'config["{n}"] = "{v}"',
        'client = Client(host="db", {n}="{v}")',
        '    "{n}": "{v}",',
    ],
    "js": [
        "const {c} = '{v}';",
        'module.exports = {{ {c}: "{v}" }};',
        "process.env.{u} = '{v}';",
        "const x = env.{u} || '{v}';",
    ],
    "ts": [
        'const {c}: string = "{v}";',
        "export const conf = {{ {c}: '{v}' }};",
        "private readonly {c}: string = '{v}';",
    ],
    "java": ['private static final String {u} = "{v}";', 'props.setProperty("{n}", "{v}");', 'builder.{c}("{v}");'],
    "kt": ['val {c} = "{v}"', 'const val {u}: String = "{v}"', 'map["{n}"] = "{v}"'],
    "go": ['{c} := "{v}"', 'const {c} string = "{v}"', 'os.Setenv("{u}", "{v}")'],
    "rs": ['let {n} = "{v}";', 'const {u}: &str = "{v}";', 'let {n} = String::from("{v}");'],
    "c": ['#define {u} "{v}"', 'static const char *{n} = "{v}";', 'char {n}[] = "{v}";'],
    "cpp": ['std::string {n} = "{v}";', 'const std::string {c}{{"{v}"}};', 'auto {n} = std::string("{v}");'],
    "cs": ['string {c} = "{v}";', 'public const string {c} = @"{v}";', 'options.{c} = "{v}";'],
}
WRAP = {
    "py": "import os\n\n\ndef run(config, env, client):\n{0}\n    return os.getcwd()\n",
    "js": "function run(env) {{\n{0}\n  return 1;\n}}\n",
    "ts": "export function size(rows: string[]): number {{\n  return rows.length;\n}}\n\nexport class A {{\n{0}\n}}\n",
    "java": "package a.b;\n\nclass A {{\n{0}\n}}\n",
    "kt": "package a.b\n\nfun run() {{\n{0}\n}}\n",
    "go": "package a\n\nfunc run() {{\n{0}\n}}\n",
    "rs": "fn run() {{\n{0}\n}}\n",
    "c": "#include <stdio.h>\n\n{0}\n\nint run(void) {{ return 0; }}\n",
    "cpp": "#include <string>\n\n{0}\n\nint run() {{ return 0; }}\n",
    "cs": "namespace A {{\n  class B {{\n{0}\n  }}\n}}\n",
}
KEY_NAMES = ["api_key", "secret_key", "access_token", "auth_token", "client_secret", "private_key", "github_token"]
PASSWORD_NAMES = ["password", "db_password", "passwd", "user_pwd", "admin_password", "smtp_pass"]
PLAIN_NAMES = ["value", "handle", "field", "item", "key_id", "conf", "text"]


def spell(form: str, name: str, value: str) -> str:
    first, *rest = name.split("_")
    return form.format(n=name, c=first + "".join(map(str.title, rest)), u=name.upper(), v=value)


@dataclass(frozen=True)
class Kind:
    """A kind of text, and the names it is given to; `line` stands alone in a string of any language."""

    make: Make
    names: list[str]


DEVELOPED: dict[str, Kind] = {
    "aws id": Kind(lambda r: rng_choice(r, "AKIA", "ASIA") + draw(r, UPPER + "234567", 16), PLAIN_NAMES),
    "aws secret": Kind(lambda r: draw(r, ALNUM + "+/", 40), ["aws_secret_access_key", "secret_access_key"]),
    "github": Kind(lambda r: rng_choice(r, "ghp_", "gho_", "ghs_") + draw(r, ALNUM, 36), PLAIN_NAMES),
    "slack": Kind(lambda r: f"xoxb-{draw(r, DIGITS, 12)}-{draw(r, DIGITS, 13)}-{draw(r, ALNUM, 24)}", PLAIN_NAMES),
    "stripe": Kind(lambda r: "sk_live_" + draw(r, ALNUM, rng_choice(r, 24, 99)), PLAIN_NAMES),
    "google": Kind(lambda r: "AIza" + draw(r, ALNUM + "-_", 34) + "c", PLAIN_NAMES),
    "jwt": Kind(web_token, PLAIN_NAMES),
    "random base62": Kind(lambda r: draw(r, ALNUM, r.randrange(24, 65)), PLAIN_NAMES),
    "named base62": Kind(lambda r: draw(r, ALNUM, r.randrange(16, 65)), KEY_NAMES),
    "named hex": Kind(lambda r: hexadecimal(r, rng_choice(r, 32, 40, 64)), KEY_NAMES),
    "random password": Kind(random_password, PASSWORD_NAMES),
    "human password": Kind(human_password, PASSWORD_NAMES),
    "url": Kind(
        lambda r: (
            f"{rng_choice(r, 'https', 'postgres', 'redis')}://{draw(r, LOWER, 6)}:{draw(r, ALNUM, 12)}@db.corp.net/x"
        ),
        PLAIN_NAMES,
    ),
    "connection": Kind(
        lambda r: f"Server=db1;Database=shop;User Id=app;Password={draw(r, ALNUM + '!#', 14)};", PLAIN_NAMES
    ),
    "netrc": Kind(
        lambda r: f"machine api.corp.net login {draw(r, LOWER, 6)} password {draw(r, ALNUM, 14)}", PLAIN_NAMES
    ),
    "bearer": Kind(lambda r: "Authorization: Bearer " + draw(r, ALNUM + "-_", 40), ["header", "value"]),
    "signing": Kind(lambda r: draw(r, ALNUM + "!@#%^*(-_=+)", 50), ["secret_key", "jwt_secret", "session_secret"]),
    "telegram": Kind(lambda r: f"{r.randrange(10**8, 10**10)}:AA{draw(r, ALNUM + '-_', 33)}", PLAIN_NAMES),
}
HELD_OUT: dict[str, Kind] = {
    "gitlab": Kind(lambda r: "glpat-" + draw(r, ALNUM + "-_", 20), PLAIN_NAMES),
    "sendgrid": Kind(lambda r: f"SG.{draw(r, ALNUM + '-_', 22)}.{draw(r, ALNUM + '-_', 43)}", PLAIN_NAMES),
    "twilio": Kind(lambda r: "SK" + hexadecimal(r, 32), PLAIN_NAMES),
    "npm": Kind(lambda r: "npm_" + draw(r, ALNUM, 36), PLAIN_NAMES),
    "pypi": Kind(lambda r: "pypi-AgEIcHlwaS5vcmc" + draw(r, ALNUM + "-_", 150), PLAIN_NAMES),
    "azure storage": Kind(
        lambda r: (
            f"DefaultEndpointsProtocol=https;AccountName=a;AccountKey={encoded(r, 64)};EndpointSuffix=core.windows.net"
        ),
        PLAIN_NAMES,
    ),
    "fine github": Kind(lambda r: f"github_pat_{draw(r, ALNUM, 22)}_{draw(r, ALNUM, 59)}", PLAIN_NAMES),
    "slack hook": Kind(
        lambda r: f"https://hooks.slack.com/services/T{draw(r, UPPER, 8)}/B{draw(r, UPPER, 10)}/{draw(r, ALNUM, 24)}",
        PLAIN_NAMES,
    ),
    "unnamed base64": Kind(lambda r: encoded(r, 32), PLAIN_NAMES),
    "unnamed url-safe": Kind(lambda r: draw(r, ALNUM + "-_", 43), PLAIN_NAMES),
    "unnamed small letters": Kind(lambda r: draw(r, LOWER + DIGITS, 32), PLAIN_NAMES),
    "other names": Kind(
        lambda r: draw(r, ALNUM, 32), ["encryption_key", "webhook_secret", "bot_token", "consumer_secret"]
    ),
    "phrase password": Kind(
        lambda r: "-".join(draw(r, LOWER, 5) for _ in range(3)) + str(r.randrange(100)),
        ["root_password", "passphrase", "login_passwd"],
    ),
    "short password": Kind(
        lambda r: draw(r, LOWER, 4) + draw(r, UPPER, 2) + draw(r, DIGITS, 3), ["password", "ftp_password", "pwd"]
    ),
    "mongo": Kind(lambda r: f"mongodb+srv://svc:{draw(r, ALNUM, 20)}@c0.ab1cd.mongodb.net/app", PLAIN_NAMES),
    "query": Kind(lambda r: f"https://api.corp.net/v1/items?limit=5&api_key={draw(r, ALNUM, 32)}", PLAIN_NAMES),
    "jdbc": Kind(lambda r: f"jdbc:mysql://db:3306/shop?user=app&password={draw(r, ALNUM, 12)}7", PLAIN_NAMES),
}
Negatives = dict[str, tuple[Make, list[str]]]  # what makes the text, and the names it is given to
NEGATIVES: Negatives = {
    "uuid": (lambda r: str(UUID(bytes=r.randbytes(16))), ["request_id", "tenant", "namespace_uuid", "value"]),
    "commit": (lambda r: hexadecimal(r, 40), ["commit", "revision", "git_sha", "ref"]),
    "sha256": (lambda r: hexadecimal(r, 64), ["sha256", "checksum", "digest", "expected_hash"]),
    "integrity": (lambda r: "sha512-" + encoded(r, 64), ["integrity", "value"]),
    "fixture": (
        lambda r: b64encode(b"The quick brown fox, number %d" % r.randrange(10**6)).decode(),
        ["payload", "body", "value"],
    ),
    "png": (lambda r: "iVBORw0KGgoAAAANSUhEUgAAAAEAAAAB" + encoded(r, 30), ["icon", "value"]),
    "field name": (
        lambda r: rng_choice(r, "password_field", "new_password", "user-password", "passwordConfirm"),
        ["password_field", "password_key", "pwd_input"],
    ),
    "token name": (
        lambda r: rng_choice(r, "access_token", "csrf-token", "X-Auth-Token", "next_page_token"),
        ["token_name", "secret_name", "auth_header"],
    ),
    "placeholder": (
        lambda r: rng_choice(
            r,
            "your-api-key",
            "xxxxxxxxxxxx",
            "changeme",
            "<API_KEY>",
            "${API_KEY}",
            "YOUR_SECRET_HERE",
            "dummy-token",
            "********",
        ),
        KEY_NAMES + PASSWORD_NAMES,
    ),
    "message": (
        lambda r: rng_choice(
            r, "Enter your password:", "Invalid token", "Missing API key", "Wrong password, try again"
        ),
        ["message", "password_prompt", "token_error"],
    ),
    "url": (
        lambda r: f"https://docs.corp.net/{draw(r, LOWER, 7)}/auth?page={r.randrange(99)}#token",
        ["help_url", "value"],
    ),
    "template url": (
        lambda r: rng_choice(r, "https://user:password@example.com/x", "postgres://USER:PASSWORD@HOST/db"),
        ["url_form", "value"],
    ),
    "version": (lambda r: f"{r.randrange(9)}.{r.randrange(20)}.{r.randrange(30)}", ["version", "token_version"]),
    "colour": (lambda r: "#" + hexadecimal(r, 6), ["colour", "background"]),
    "import": (
        lambda r: "com.corp.security.oauth2.client.TokenEndpointAuthenticationFilter2",
        ["class_name", "module"],
    ),
    "long name": (
        lambda r: "_".join(
            r.choices(["user", "account", "http2", "retry", "token", "limit", "v2", "response", "cache"], k=6)
        ),
        ["option", "metric", "value"],
    ),
    "path": (
        lambda r: "/".join(r.choices(["usr", "lib64", "python3", "auth", "tokens", "v1", "certs", "2024"], k=6)),
        ["path", "key_path", "token_file"],
    ),
    "hash constant": (lambda r: "0x" + hexadecimal(r, 16), ["round_constant", "prime", "value"]),
    "alphabet": (lambda r: "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/", ["alphabet", "value"]),
    "type": (
        lambda r: rng_choice(r, "oauth2", "base64url", "bearer", "utf-8", "RS256", "application/x-www-form-urlencoded"),
        ["token_type", "auth_type", "secret_encoding"],
    ),
    "env name": (
        lambda r: rng_choice(r, "GITHUB_TOKEN", "DB_PASSWORD", "AWS_SECRET_ACCESS_KEY"),
        ["token_env", "password_var", "value"],
    ),
    "date": (
        lambda r: f"20{r.randrange(10, 30)}-0{r.randrange(1, 10)}-1{r.randrange(10)}T10:{r.randrange(10, 60)}:00Z",
        ["token_expiry", "created"],
    ),
    "pod": (lambda r: f"web-{draw(r, LOWER + DIGITS, 10)}-{draw(r, LOWER + DIGITS, 5)}", ["pod", "value"]),
}
HELD_OUT_NEGATIVES: Negatives = {
    "image digest": (lambda r: "sha256:" + hexadecimal(r, 64), ["image", "digest", "value"]),
    "media type": (lambda r: "application/vnd.corp.auth.v2+json; charset=utf-8", ["accept", "token_format"]),
    "svg": (
        lambda r: " ".join(f"M{r.randrange(99)}.{r.randrange(99)}L{r.randrange(99)}" for _ in range(9)),
        ["d", "value"],
    ),
    "css class": (lambda r: "btn-primary_3xZq8 login-form__password--hidden", ["class_name", "password_class"]),
    "cache key": (lambda r: f"user:{r.randrange(10**6)}:session:v{r.randrange(9)}", ["cache_key", "session_key"]),
    "format": (
        lambda r: rng_choice(r, "%Y-%m-%dT%H:%M:%S.%fZ", "{user}:{password}@{host}", "Bearer {}"),
        ["format", "auth_form"],
    ),
    "regex": (lambda r: r"^[A-Za-z0-9+/=]{20,64}$".replace("$", ""), ["token_pattern", "password_regex"]),
    "help": (
        lambda r: rng_choice(r, "The-password-to-use", "token-or-key", "reset_password_token"),
        ["password_help", "token"],
    ),
    "flag": (
        lambda r: rng_choice(r, "--password-stdin", "--token-file", "--api-key"),
        ["flag", "password_flag", "token_arg"],
    ),
    "number": (lambda r: str(r.randrange(10**15, 10**16)), ["order_number", "value", "token_limit"]),
    "python hash": (
        lambda r: f"numpy-{r.randrange(9)}.{r.randrange(30)}-cp311-cp311-manylinux_2_17_x86_64.whl",
        ["wheel", "value"],
    ),
    "public key": (lambda r: f"ssh-ed25519 {encoded(r, 51)}", ["public_key", "value"]),
    "route": (lambda r: "/api/v2/users/:id/tokens/:token_id/refresh", ["route", "token_url"]),
    "locale": (
        lambda r: rng_choice(r, "auth.errors.invalidPassword", "form.labels.apiKey"),
        ["message_key", "password_error"],
    ),
    "enum": (
        lambda r: rng_choice(r, "PASSWORD_RESET_V2", "Oauth2ClientSecretPost", "S3Key"),
        ["secret_type", "auth_method"],
    ),
}


@dataclass(frozen=True)
class Planted:
    """A file, and the lines with a secret: kind and the text that must be gone, by line from 1."""

    path: str
    text: str
    secrets: dict[int, tuple[str, str]]


def files(kinds: dict[str, Kind], negatives: Negatives, seed: int, count: int) -> Iterator[Planted]:
    """Files of ten languages in turn, each with three secrets among nine texts that only look like some."""
    rng = random.Random(seed)
    for number in range(count):
        language = list(ASSIGN)[number % len(ASSIGN)]
        lines: list[tuple[str, tuple[str, str] | None]] = []
        for name in rng.sample(sorted(kinds), 3):
            value = kinds[name].make(rng)
            line = spell(rng.choice(ASSIGN[language]), rng.choice(kinds[name].names), value)
            lines.append((line, (name, value)))
        for name in rng.sample(sorted(negatives), 9):
            make, names = negatives[name]
            lines.append((spell(rng.choice(ASSIGN[language]), rng.choice(names), make(rng)), None))
        rng.shuffle(lines)
        text = WRAP[language].format("\n".join("    " + line for line, _ in lines))
        first = text[: text.index(lines[0][0])].count("\n") + 1
        secrets = {first + i: secret for i, (_, secret) in enumerate(lines) if secret}
        yield Planted(f"src/file{number}.{language}", text, secrets)


def measure(
    kinds: dict[str, Kind], negatives: Negatives, seed: int, count: int
) -> tuple[float, float, Counter[str], list[str]]:
    """Recall, precision, the kinds that were missed and the lines that were taken for secrets."""
    planted = list(files(kinds, negatives, seed, count))
    outcomes = make_safe([f.text for f in planted], [f.path for f in planted], SafetyRules())
    missed: Counter[str] = Counter()
    wrong: list[str] = []
    found = total = 0
    for file, outcome in zip(planted, outcomes, strict=True):
        assert outcome.rejection is None
        hit = {finding.line for finding in outcome.findings if finding.kind in SECRET_KINDS}
        after = outcome.text.split("\n")
        for line, (kind, value) in file.secrets.items():
            # Of a URL or a connection string a part is the secret: it is enough that the whole is no longer there.
            is_gone = line in hit and value not in after[line - 1]
            found, total = found + is_gone, total + 1
            missed[kind] += not is_gone
        wrong += [file.text.split("\n")[line - 1].strip() for line in sorted(hit - set(file.secrets))]
    return found / total, found / max(1, found + len(wrong)), +missed, wrong


@pytest.mark.parametrize(
    ("kinds", "negatives", "seed"),
    [(DEVELOPED, NEGATIVES, 1), (HELD_OUT, HELD_OUT_NEGATIVES, 20261123)],
    ids=["developed", "held out"],
)
def test_planted_secrets_are_found_and_others_left(kinds: dict[str, Kind], negatives: Negatives, seed: int):
    recall, precision, missed, wrong = measure(kinds, negatives, seed, 400)
    print(f"recall {recall:.4f}, precision {precision:.4f}, missed {dict(missed)}")
    assert recall >= 0.95 and precision >= 0.9, (recall, precision, missed, wrong[:20])
