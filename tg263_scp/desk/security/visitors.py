"""Who asks, and what that visitor may do.

Three ways in: the login link (who can read its file owns the node: every role), a name and password of ``desk.users``, or the
user that a reverse proxy at one of ``desk.proxy_addresses`` names. Roles are looked up at each request, so that a line taken
out of the file ends what its user may do.
"""

from __future__ import annotations

import hmac
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tg263_scp.config.desk import Desk
from tg263_scp.config.networks import in_networks
from tg263_scp.desk.security.accounts import ROLES, Tokens, accounts_in
from tg263_scp.desk.security.limits import Limit, LoginLimits
from tg263_scp.desk.security.passwords import fits
from tg263_scp.desk.security.sessions import CameBy, Session, Sessions


@dataclass(frozen=True, slots=True)
class Visitor:
    """Somebody who is logged in. Every role may look as well."""

    user: str
    roles: frozenset[str]
    session: Session

    def may(self, role: str) -> bool:
        """Tell whether this visitor has a role."""
        return role in self.roles or (role == "look" and bool(self.roles))


@dataclass(frozen=True, slots=True)
class Refusal:
    """A login that failed, in words for the visitor; ``wait_s`` where it may be tried again later only."""

    text: str
    wait_s: float = 0.0


class Visitors:
    """Everything that decides who may come in; one for each running desk. ``clock`` counts seconds."""

    def __init__(self, desk: Desk, clock: Callable[[], float] = time.monotonic) -> None:
        self.link_key = secrets.token_urlsafe(32)
        """What the login link holds; another one at each start."""
        self._desk = desk
        self._sessions = Sessions(desk.session_s, clock)
        self._accounts = accounts_in(desk.users)
        self._tokens = Tokens(desk.tokens)
        self._logins = LoginLimits(clock)
        self._requests = Limit(desk.requests_per_minute, 60.0, clock)

    @property
    def has_accounts(self) -> bool:
        """Whether somebody can log in with a password."""
        return any(account.password for account in self._accounts.entries().values())

    def visitor(self, cookie: str, address: str, headers: Mapping[str, str]) -> Visitor | None:
        """Return who sent a request, from its cookie, or from what a proxy says of its user; None where that is nobody."""
        session = self._sessions.find(cookie)
        proxied = self._proxied(address, headers)
        if proxied and not (session and session.came_by is CameBy.PROXY and session.user == proxied):
            session = self._sessions.begin(proxied, CameBy.PROXY)
        elif session and session.came_by is CameBy.PROXY and not proxied:
            session = None
        if session is None:
            return None
        roles = self._roles(session)
        return Visitor(session.user, roles, session) if roles else None

    def _proxied(self, address: str, headers: Mapping[str, str]) -> str:
        if not in_networks(address, self._desk.proxy_addresses):
            return ""
        name = headers.get(self._desk.proxy_user_header, "").strip()
        return name if name.isprintable() and len(name) <= 64 else ""

    def _roles(self, session: Session) -> frozenset[str]:
        if session.came_by is CameBy.LINK:
            return frozenset(ROLES)
        account = self._accounts.entries().get(session.user)
        if account is not None:
            return account.roles
        return frozenset(self._desk.proxy_roles if session.came_by is CameBy.PROXY else ())

    def log_in(self, user: str, password: str, address: str) -> Session | Refusal:
        """Log somebody in by name and password; it takes as long whether there is such a user or not."""
        wait_s = self._logins.begin(user, address)
        if wait_s:
            return Refusal("Too many tries. Wait a while, or ask who looks after the desk.", wait_s)
        account = self._accounts.entries().get(user)
        if not fits(password, account.password if account else ""):
            return Refusal("Name and password do not fit together.")
        self._logins.succeeded(user, address)
        return self._sessions.begin(user, CameBy.PASSWORD)

    def log_in_by_link(self, key: str, user: str, address: str) -> Session | Refusal:
        """Log somebody in by the link, under the name that is given: it stands in every log of what is done."""
        if not user or len(user) > 64 or not user.isprintable():
            return Refusal("Say who you are: 1 to 64 characters.")
        if not self._desk.login_link:
            return Refusal("This desk has no login link.")
        wait_s = self._logins.begin("", address)
        if wait_s:
            return Refusal("Too many tries. Wait a while.", wait_s)
        if not hmac.compare_digest(key.encode("utf-8", "surrogatepass"), self.link_key.encode()):
            return Refusal("The link is of an earlier start: 'tg263-scp desk link' tells the new one.")
        self._logins.succeeded("", address)
        return self._sessions.begin(user, CameBy.LINK)

    def log_out(self, session: Session) -> None:
        """End a login."""
        self._sessions.end(session.key)

    def script(self, authorization: str) -> str | Refusal:
        """Return whose token a request to the API bears, and count it."""
        scheme, _, token = authorization.partition(" ")
        owner = self._tokens.owner(token.strip()) if scheme.lower() == "bearer" else ""
        if not owner:
            return Refusal("A token is needed: Authorization: Bearer ... ('tg263-scp desk add-token').")
        wait_s = self._requests.take(owner)
        return Refusal("Too many requests of this token.", wait_s) if wait_s else owner
