"""The link pages: what they say. What they do is in static/*.js."""

from __future__ import annotations

from typing import NamedTuple


class Page(NamedTuple):
    """One page. body: the inside of <main> after the heading; is_wide: it has tables and lists."""

    title: str
    script: str
    body: str
    is_wide: bool = False


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
<p>Your link is ready. It works once, when you press the button.</p>
<form id="confirm-form" method="post"><button type="submit">Sign in</button></form>
</section>
<section id="lead-on" data-part hidden>
<p>Your link leads on to another page. It works once, when you press the button.</p>
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
<p id="what-for" hidden><strong id="organization"></strong> invites you to join as
<span id="role"></span>, until <span id="expires"></span>.</p>
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

_PORTAL = """
<section id="calls" data-part hidden>
<p class="hint" id="whose"></p>
<h2 id="pending-title">Forms to fill in</h2>
<ul class="rows" id="pending" aria-labelledby="pending-title"></ul>
<p id="pending-none" hidden>Every call has its form. Nothing is left to do.</p>
<div id="upcoming-part">
<h2 id="upcoming-title">Coming up</h2>
<ul class="rows" id="upcoming" aria-labelledby="upcoming-title"></ul>
</div>
<div id="recent-part">
<h2 id="recent-title">Reported lately</h2>
<ul class="rows" id="recent" aria-labelledby="recent-title"></ul>
</div>
<h2 id="numbers-title">Your month so far</h2>
<dl class="numbers" id="numbers" aria-labelledby="numbers-title"></dl>
<div id="leaderboard-part">
<h2 id="leaderboard-title">Leaderboard</h2>
<div class="scrolls" role="region" aria-labelledby="leaderboard-title" tabindex="0">
<table id="leaderboard" aria-labelledby="leaderboard-title"></table>
</div>
</div>
<div id="commission-part">
<h2 id="commission-title">Your statements</h2>
<ul class="rows" id="commission" aria-labelledby="commission-title"></ul>
<p id="commission-none" hidden>Statements come with locked payouts. There is none for you yet.</p>
</div>
</section>
<section id="report" data-part hidden>
<h2 id="report-title" tabindex="-1"></h2>
<p class="hint" id="report-when"></p>
<form id="report-form" method="post" novalidate>
<div id="fields"></div>
<p class="error" id="problem" role="alert"></p>
<button type="submit">Send the form</button>
</form>
<button type="button" class="plain" id="back">Back to all calls</button>
</section>
<section id="sent" data-part hidden>
<h2 id="sent-title" tabindex="-1">The form is in</h2>
<p id="sent-what"></p>
<button type="button" id="next">Next call</button>
<button type="button" class="plain" id="all">All calls</button>
</section>""" + _MISSING.format(
    sentence="This page opens with a personal link. Ask an admin of your organization for yours."
)

_STATEMENT = """
<section id="statement" data-part hidden>
<p class="hint" id="whose"></p>
<h2 id="statement-title"></h2>
<dl class="facts" id="facts" aria-labelledby="statement-title"></dl>
<p class="hint">Questions about an amount? Ask an admin of your organization.</p>
</section>
<section id="none" data-part hidden>
<p>There is no statement behind this link just now: its payout was taken back, or your organization
does not show commission. Ask an admin of your organization.</p>
</section>""" + _MISSING.format(
    sentence="This page opens with the link from a commission statement. Statements come with "
    "locked payouts; ask an admin of your organization to send it again."
)

PAGES = {
    "/sign-in": Page("Sign in", "sign-in.js", _SIGN_IN),
    "/new-password": Page("New password", "new-password.js", _NEW_PASSWORD),
    "/accept-invitation": Page(
        "Accept your invitation", "accept-invitation.js", _ACCEPT_INVITATION
    ),
    "/portal": Page("Your calls", "portal.js", _PORTAL, is_wide=True),
    "/statement": Page("Your commission statement", "statement.js", _STATEMENT),
}


def render(page: Page) -> str:
    """The whole document."""
    width = ' class="wide"' if page.is_wide else ""
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<meta name="color-scheme" content="light dark">
<title>{page.title} - Sales Dash</title>
<link rel="stylesheet" href="/assets/style.css">
<script type="module" src="/assets/{page.script}"></script>
</head>
<body>
<main{width}>
<h1>{page.title}</h1>
<p id="status" role="status" aria-live="polite" tabindex="-1"></p>
{page.body.strip()}
<noscript><p>This page needs JavaScript: it keeps your link out of logs.</p></noscript>
</main>
</body>
</html>
"""
