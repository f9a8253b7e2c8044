"""Plain pages: every link that is e-mailed or posted opens one of them."""

from starlette.routing import BaseRoute

from gateway.pages import links, mailbox

ROUTES: list[BaseRoute] = [*links.ROUTES, *mailbox.ROUTES]
