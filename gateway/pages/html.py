"""The link pages: what they say. What they do is in static/*.js."""

from __future__ import annotations

from typing import NamedTuple


class Page(NamedTuple):
    """One page. body: the inside of <main> after the heading; scope: of the link, if it has one."""

    title: str
    script: str
    body: str
    scope: str = ""


_EMAIL = """
<label for="email">E-mail address</label>
<input id="email" name="email" type="email" autocomplete="username" required maxlength="254">"""

_ASK = """
<section id="ask" data-part hidden>
<form id="ask-form" method="post">{email}
<button type="submit">{button}</button>
</form>
</section>"""

_MISSING = """
<section id="missing" data-part hidden>
<p>{sentence}</p>
</section>"""

_SIGN_IN = """
<section id="confirm" data-part hidden>
<form id="confirm-form" method="post"><button type="submit">Sign in</button></form>
</section>
<section id="lead-on" data-part hidden>
<form method="post" action="/auth/v1/verify">
<input type="hidden" id="lead-on-token" name="token_hash">
<input type="hidden" id="lead-on-type" name="type">
<input type="hidden" id="lead-on-to" name="redirect_to">
<button type="submit">Continue</button>
</form>
</section>
<section id="signed-in" data-part hidden>
<p>Account: <strong id="who"></strong></p>
<form id="out-form" method="post"><button type="submit">Sign out</button></form>
</section>""" + _ASK.format(email=_EMAIL, button="Send me a sign-in link")

_NEW_PASSWORD = """
<section id="set" data-part hidden>
<form id="set-form" method="post">
<label for="password">New password</label>
<input id="password" name="password" type="password" autocomplete="new-password" required
 minlength="8" maxlength="1024" aria-describedby="password-hint">
<p class="hint" id="password-hint">At least 8 characters. All other devices are signed out.</p>
<button type="submit">Set the password</button>
</form>
</section>
<section id="done" data-part hidden>
<p>You can sign in with it now.</p>
</section>""" + _ASK.format(email=_EMAIL, button="Send me a link")

_ACCEPT_INVITATION = """
<section id="accept" data-part hidden>
<form id="accept-form" method="post">
<label for="full_name">Your name</label>
<input id="full_name" name="full_name" autocomplete="name" maxlength="200">
<label for="password">Password</label>
<input id="password" name="password" type="password" autocomplete="new-password" required
 minlength="8" maxlength="1024" aria-describedby="password-hint">
<p class="hint" id="password-hint">At least 8 characters. If you have an account with this address
already, enter its password.</p>
<button type="submit">Accept the invitation</button>
</form>
</section>
<section id="done" data-part hidden>
<p>You can sign in as <strong id="who"></strong> now.</p>
</section>""" + _MISSING.format(
    sentence="This page opens with the link from an invitation. Ask an admin of your organization "
    "to invite you."
)

_ACCESS_LINK = """
<section id="open" data-part hidden>
<p>This link belongs to <strong id="person"></strong> at <strong id="organization"></strong> and
is good until <strong id="until"></strong>.</p>
<p>{sentence}</p>
</section>"""

_PORTAL = _ACCESS_LINK.format(
    sentence='To fill in the forms of your calls, <a href="/sign-in">sign in</a>.'
) + _MISSING.format(
    sentence="This page opens with a personal link. Ask an admin of your organization for yours."
)

_STATEMENT = _ACCESS_LINK.format(
    sentence='To read your statements, <a href="/sign-in">sign in</a>.'
) + _MISSING.format(
    sentence="This page opens with the link from a commission statement. "
    "Ask an admin of your organization to send it again."
)

PAGES = {
    "/sign-in": Page("Sign in", "sign-in.js", _SIGN_IN),
    "/new-password": Page("New password", "new-password.js", _NEW_PASSWORD),
    "/accept-invitation": Page(
        "Accept your invitation", "accept-invitation.js", _ACCEPT_INVITATION
    ),
    "/portal": Page("Your calls", "access-link.js", _PORTAL, "pcf"),
    "/statement": Page("Your commission statement", "access-link.js", _STATEMENT, "statement"),
}


def render(page: Page) -> str:
    """The whole document."""
    scope = f' data-scope="{page.scope}"' if page.scope else ""
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>{page.title} - Sales Dash</title>
<link rel="stylesheet" href="/assets/style.css">
<script type="module" src="/assets/{page.script}"></script>
</head>
<body{scope}>
<main>
<h1>{page.title}</h1>
<p id="status" role="status" aria-live="polite"></p>
{page.body.strip()}
<noscript><p>This page needs JavaScript: it keeps your link out of logs.</p></noscript>
</main>
</body>
</html>
"""
