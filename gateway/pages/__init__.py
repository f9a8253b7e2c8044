"""Plain link pages."""

from starlette.routing import BaseRoute

from gateway.pages import mailbox

ROUTES: list[BaseRoute] = [*mailbox.ROUTES]
