"""Deploys: roles, versioned migrations, repeatable files; one at a time, safe under live traffic.

Every function takes the URL of a login that may create roles and owns the database (never a
superuser) and the db directory of the tree to deploy.
"""

from salesdash.deploy.errors import DeployFailed
from salesdash.deploy.inspect import status, verify
from salesdash.deploy.reports import (
    DeployReport,
    DeployStatus,
    Finding,
    Progress,
    VerifyReport,
)
from salesdash.deploy.reset import reset
from salesdash.deploy.roles import Login
from salesdash.deploy.run import apply, deploy, rollback

__all__ = [
    "DeployFailed",
    "DeployReport",
    "DeployStatus",
    "Finding",
    "Login",
    "Progress",
    "VerifyReport",
    "apply",
    "deploy",
    "reset",
    "rollback",
    "status",
    "verify",
]
