"""Rows taken out as files: asked for (routes), read page by page (running), written (formats)."""

from gateway.exports.routes import ROUTES
from gateway.exports.running import Exports, Limits

__all__ = ["ROUTES", "Exports", "Limits"]
