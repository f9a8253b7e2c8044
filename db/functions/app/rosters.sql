-- Whom a name from outside means: setters as UTM fields, answers and chats spell them, closers as booking platforms list
-- them. Nobody is ever made from a name, and a name that fits several people means nobody.

-- app.setter_known_as: the setter who is known by this address, name or alias; NULL for nobody, and for several of whom
-- not exactly one is active.
create or replace function app.setter_known_as(organization_id uuid, known_as text) returns uuid
language sql stable
begin atomic
    with known as (
        select s.id, s.is_active
          from app.setters as s
         where s.organization_id = setter_known_as.organization_id
           and lower(btrim(setter_known_as.known_as)) = any (array[s.email_norm, lower(btrim(s.name))] || s.aliases)
    )
    select coalesce((select (array_agg(k.id))[1] from known as k having count(*) = 1),
                    (select (array_agg(k.id))[1] from known as k where k.is_active having count(*) = 1));
end;
comment on function app.setter_known_as(uuid, text) is 'The setter who is known by this address, name or alias, else NULL.';

-- app.closer_known_as: the closer who is known by this address, name or alias; NULL for nobody, and for several of whom
-- not exactly one is active.
create or replace function app.closer_known_as(organization_id uuid, known_as text) returns uuid
language sql stable
begin atomic
    with known as (
        select c.id, c.is_active
          from app.closers as c
         where c.organization_id = closer_known_as.organization_id
           and lower(btrim(closer_known_as.known_as)) = any (array[c.email_norm, lower(btrim(c.name))] || c.aliases)
    )
    select coalesce((select (array_agg(k.id))[1] from known as k having count(*) = 1),
                    (select (array_agg(k.id))[1] from known as k where k.is_active having count(*) = 1));
end;
comment on function app.closer_known_as(uuid, text) is 'The closer who is known by this address, name or alias, else NULL.';
