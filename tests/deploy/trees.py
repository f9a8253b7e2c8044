"""A small tree of our own to deploy, so that tests can change it."""

import shutil
from dataclasses import dataclass
from pathlib import Path

import psycopg

from salesdash import deploy
from salesdash.home import ROOT
from tests.fixtures.cluster import LOGINS, PASSWORD
from tests.fixtures.databases import Database

ZOO = """-- A zoo.
create schema app;
create schema api;
create schema auth;
alter default privileges revoke execute on functions from public;
create table app.animals (id integer primary key, name text not null, owner_name text not null);
alter table app.animals enable row level security;
insert into app.animals values (1, 'Ada', 'anon'), (2, 'Bo', 'nobody');
"""
ZOO_DOWN = "drop table app.animals; drop schema auth; drop schema api; drop schema app;"

ANIMALS = """
drop view if exists api.animals;
create view api.animals with (security_invoker = true) as select id, name from app.animals;
grant select on api.animals to anon;
"""
NAMES = """
drop view if exists api.names;
create view api.names with (security_invoker = true) as select name from api.animals;
grant select on api.names to anon;
"""
COUNT = """
create or replace function api.count_animals() returns bigint language sql stable
begin atomic; select count(*) from api.animals; end;
grant execute on function api.count_animals() to anon;
"""
LABEL = """
create or replace function api.label(animal api.animals) returns text language sql stable
begin atomic; select upper(animal.name); end;
grant execute on function api.label(api.animals) to anon;
"""
POLICY = """
drop policy if exists "visitors see their own" on app.animals;
create policy "visitors see their own" on app.animals for select to anon
    using (owner_name = current_user);
grant select on app.animals to anon;
grant usage on schema api to anon;
"""


@dataclass(frozen=True)
class Tree:
    """A db directory, and an empty database to deploy it to."""

    path: Path
    database: Database

    def write(self, path: str, text: str) -> None:
        """Create or replace a file below db/."""
        file = self.path / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def remove(self, path: str) -> None:
        """Delete a file below db/."""
        (self.path / path).unlink()

    def migration(self, name: str, up: str, down: str) -> None:
        """Add a migration, its rollback, and a verify file that looks at nothing."""
        self.write(f"migrations/{name}.sql", up)
        self.write(f"migrations/{name}.rollback.sql", down)
        self.write(f"migrations/verify/{name}.sql", "select 1;")

    def deploy(self) -> deploy.DeployReport:
        """Deploy as the deployer, no superuser."""
        return deploy.deploy(
            self.database.deployer_url,
            self.path,
            logins=[deploy.Login(login, PASSWORD) for login in LOGINS],
            lock_wait_s=30,
            patience_s=30,
        )

    def connect(self) -> psycopg.Connection:
        """A connection in autocommit mode, as the owner."""
        connection = psycopg.connect(self.database.deployer_url, autocommit=True)
        connection.execute("set role salesdash")
        return connection

    def one(self, query: str) -> object:
        """The only value of a query's only row, read as the deployer."""
        with psycopg.connect(self.database.deployer_url, autocommit=True) as connection:
            row = connection.execute(query.encode()).fetchone()
        assert row is not None
        return row[0]


def plant(path: Path, database: Database) -> Tree:
    """The zoo: a table, two views of which one stands on the other, functions, a policy."""
    tree = Tree(path, database)
    path.mkdir()
    for file in ("roles.sql", "logins.sql"):
        shutil.copy(ROOT / "db" / file, path)
    tree.migration("0001_zoo", ZOO, ZOO_DOWN)
    tree.write("views/animals.sql", ANIMALS)
    tree.write("views/names.sql", NAMES)
    tree.write("functions/api/count.sql", COUNT)
    tree.write("functions/api/label.sql", LABEL)
    tree.write("policies/animals.sql", POLICY)
    return tree
