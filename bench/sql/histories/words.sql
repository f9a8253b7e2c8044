-- Whole histories for benchmarks: the tenants, and the words in which their histories are told.
-- The loader (bench/histories.py) fills bench.tenants; everything else follows from it, so that the same tenants on the same
-- day get the same rows. Loaded as superuser with session_replication_role = replica: constraints are checked, triggers and
-- foreign keys are not.
create schema if not exists bench;
create table if not exists bench.tenants (
    n integer not null, organization_id uuid not null, timezone text not null, currency text not null,
    unit numeric not null, scale integer not null, first_day timestamp not null, days integer not null,
    events bigint not null, leads bigint not null, closers integer not null, setters integer not null,
    lag bigint not null, as_of timestamptz not null, is_loaded boolean not null default false,
    constraint tenants_pkey primary key (n)
);

-- bench.id: the id of thing number g of one kind of tenant n; it ascends with g, as ids ascend with time.
create or replace function bench.id(kind integer, n integer, g bigint) returns uuid
language sql immutable parallel safe
return ('0190' || lpad(to_hex(kind), 4, '0') || '-' || lpad(to_hex(n), 4, '0') || '-7000-8000-' || lpad(to_hex(g), 12, '0'))::uuid;

-- bench.dice: 0 to sides - 1, the same for the same thing and question.
create or replace function bench.dice(n integer, g bigint, question integer, sides integer) returns integer
language sql immutable parallel safe
return ((hashint8extended((n::bigint << 44) + g, question) & 1073741823) % sides)::integer;

-- bench.pick: 1 to members; the lower the number the more often: of 10 members the first is picked by three in ten.
create or replace function bench.pick(n integer, g bigint, question integer, members integer) returns integer
language sql immutable parallel safe
return 1 + floor(members * power(bench.dice(n, g, question, 1000000) / 1000000.0::float8, 2))::integer;

-- bench.is_moved: was call g rescheduled? Its successor is call g + lag. Every fourth stretch of lag calls moves none, so
-- a chain has at most four calls; duplicates (g divisible by 97) have no part in chains.
create or replace function bench.is_moved(n integer, g bigint, lag bigint, events bigint) returns boolean
language sql immutable parallel safe
return g > 0 and g + lag <= events and (g / lag) % 4 <> 3 and g % 97 <> 0 and (g + lag) % 97 <> 0
   and bench.dice(n, g, 1, 100) < 10;

-- bench.refunds: what came of a payment up to as_of. A fifth of disputes is won.
create or replace function bench.refunds(
    n integer, payment bigint, amount numeric, scale integer, paid_at timestamptz, as_of timestamptz
) returns table (step integer, kind text, part numeric, refunded_at timestamptz)
language sql immutable parallel safe
begin atomic
    select r.step, r.kind, r.part, r.refunded_at
      from (select bench.dice(n, payment, 40, 1000) as luck, paid_at + (3 + bench.dice(n, payment, 41, 45)) * interval '1 day' as at) as d
     cross join lateral (values
        (1, 'refund',      amount,                    d.at,                      d.luck < 24),
        (1, 'refund',      round(amount * 0.3, scale), d.at,                     d.luck between 24 and 33),
        (1, 'refund',      round(amount * 0.25, scale), d.at,                    d.luck between 34 and 39),
        (2, 'refund',      round(amount * 0.5, scale), d.at + interval '9 days', d.luck between 34 and 39),
        (1, 'dispute',     amount,                    d.at,                      d.luck between 40 and 49),
        (2, 'dispute_won', amount,                    d.at + interval '30 days', d.luck between 40 and 41)
     ) as r (step, kind, part, refunded_at, happened)
     where r.happened and r.refunded_at < as_of;
end;

-- bench.price, bench.installments: of the three packages, per unit of the tenant's currency.
create or replace function bench.price(package integer) returns numeric
language sql immutable parallel safe
return (array[2997.00, 5994.00, 9000.00])[package];
create or replace function bench.installments(package integer) returns integer
language sql immutable parallel safe
return (array[1, 6, 3])[package];
