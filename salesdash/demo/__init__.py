"""Two organizations with ninety days of sales, written through the product's own functions."""

from salesdash.demo.load import DemoResult, load

__all__ = ["DemoResult", "load"]
