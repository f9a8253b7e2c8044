-- Who is credited with a payment, and with how much of it. Shares of a role add up to 1, their amounts to the payment.
-- Internal: nobody but the owner may call these.

-- app.even_shares: weights as shares that add up to exactly 1; what rounding leaves goes to the first of the largest.
create or replace function app.even_shares(weights numeric[]) returns numeric[]
language sql immutable parallel safe
begin atomic
    with rounded as (
        select w.position, trim_scale(round(w.weight / sum(w.weight) over (), 12)) as share
          from unnest(even_shares.weights) with ordinality as w (weight, position)
    )
    select coalesce(array_agg(
               trim_scale(r.share + case when r.position = (select f.position from rounded as f order by f.share desc, f.position limit 1)
                                         then 1 - (select sum(s.share) from rounded as s) else 0 end)
               order by r.position), '{}')
      from rounded as r;
end;
comment on function app.even_shares(numeric[]) is 'Weights as shares that add up to exactly 1.';

-- app.write_credits: make the credits of a payment these, and no others. amount_base NULL: no rate yet.
-- weights: one per person, NULL for equal ones. The same people with the same shares always get the same amounts.
create or replace function app.write_credits(
    organization_id uuid, payment_id uuid, amount_base numeric, base_currency text,
    closer_ids uuid[], setter_ids uuid[], closer_weights numeric[] default null, setter_weights numeric[] default null
) returns void
language plpgsql volatile set search_path = '' as $$
begin
    delete from app.payment_credits as c
     where c.organization_id = write_credits.organization_id and c.payment_id = write_credits.payment_id
       and case c.role when 'closer' then c.closer_id <> all (closer_ids) else c.setter_id <> all (setter_ids) end;
    insert into app.payment_credits as c (
        organization_id, payment_id, role, closer_id, setter_id, payee_id, share, amount_base, base_currency)
    select write_credits.organization_id, write_credits.payment_id, r.role,
           case r.role when 'closer' then p.person_id end, case r.role when 'setter' then p.person_id end,
           case r.role
               when 'closer' then (select k.payee_id from app.closers as k
                                    where k.organization_id = write_credits.organization_id and k.id = p.person_id)
               else (select s.payee_id from app.setters as s
                      where s.organization_id = write_credits.organization_id and s.id = p.person_id)
           end,
           p.share, p.amount_base, write_credits.base_currency
      from (select w.role, array_agg(w.person_id order by w.weight desc, w.person_id) as person_ids,
                   app.even_shares(array_agg(w.weight order by w.weight desc, w.person_id)) as shares
              from (select 'closer' as role, c.person_id, coalesce(c.weight, 1) as weight
                      from rows from (unnest(closer_ids), unnest(closer_weights)) as c (person_id, weight)
                    union all
                    select 'setter', c.person_id, coalesce(c.weight, 1)
                      from rows from (unnest(setter_ids), unnest(setter_weights)) as c (person_id, weight)) as w
             group by w.role) as r
     cross join rows from (
            unnest(r.person_ids), unnest(r.shares),
            unnest(app.split_amount(write_credits.amount_base, r.shares, write_credits.base_currency))
           ) as p (person_id, share, amount_base)
    on conflict on constraint payment_credits_person_key do update
       set share = excluded.share, amount_base = excluded.amount_base, base_currency = excluded.base_currency,
           payee_id = excluded.payee_id
     where (c.share, c.amount_base, c.base_currency, c.payee_id)
           is distinct from (excluded.share, excluded.amount_base, excluded.base_currency, excluded.payee_id);
end;
$$;
comment on function app.write_credits(uuid, uuid, numeric, text, uuid[], uuid[], numeric[], numeric[]) is
    'Make the credits of a payment these, and no others.';

-- app.replace_credits: the same for a stored payment, whose closer and setter become those with the largest credit.
-- Raises PT404 for an unknown payment.
create or replace function app.replace_credits(
    organization_id uuid, payment_id uuid, closer_ids uuid[], setter_ids uuid[],
    closer_weights numeric[] default null, setter_weights numeric[] default null
) returns void
language plpgsql volatile set search_path = '' as $$
declare
    p app.payments;
begin
    select t.* into p from app.payments as t
     where t.organization_id = replace_credits.organization_id and t.id = replace_credits.payment_id
       for no key update;
    if not found then
        raise exception using errcode = 'PT404', message = 'No such payment in this organization.';
    end if;
    perform app.write_credits(p.organization_id, p.id, p.amount_base, p.base_currency, closer_ids, setter_ids,
                              closer_weights, setter_weights);
    update app.payments as t set closer_id = largest.closer_id, setter_id = largest.setter_id
      from (select (select c.closer_id from app.payment_credits as c
                     where c.organization_id = p.organization_id and c.payment_id = p.id and c.role = 'closer'
                     order by c.share desc, c.closer_id limit 1) as closer_id,
                   (select c.setter_id from app.payment_credits as c
                     where c.organization_id = p.organization_id and c.payment_id = p.id and c.role = 'setter'
                     order by c.share desc, c.setter_id limit 1) as setter_id) as largest
     where t.organization_id = p.organization_id and t.id = p.id
       and (t.closer_id, t.setter_id) is distinct from (largest.closer_id, largest.setter_id);
end;
$$;
comment on function app.replace_credits(uuid, uuid, uuid[], uuid[], numeric[], numeric[]) is
    'Credit these people with a payment, and nobody else.';

-- app.has_credits: whether a payment is credited just so: to this closer and this setter, each for all of it, or to nobody
-- where one is NULL.
create or replace function app.has_credits(organization_id uuid, payment_id uuid, closer_id uuid, setter_id uuid) returns boolean
language plpgsql stable set search_path = '' as $$
begin
    return exists (
        select from app.payments as p
         cross join lateral (
            select count(*) = num_nonnulls(has_credits.closer_id, has_credits.setter_id)
                   and coalesce(bool_and(
                        coalesce(case c.role when 'closer' then c.closer_id = p.closer_id else c.setter_id = p.setter_id end, false)
                        and c.share = 1 and c.base_currency = p.base_currency and c.amount_base is not distinct from p.amount_base
                        and c.payee_id is not distinct from case c.role
                            when 'closer' then (select k.payee_id from app.closers as k
                                                 where k.organization_id = c.organization_id and k.id = c.closer_id)
                            else (select s.payee_id from app.setters as s
                                   where s.organization_id = c.organization_id and s.id = c.setter_id) end), true) as is_so
              from app.payment_credits as c
             where c.organization_id = p.organization_id and c.payment_id = p.id) as k
         where p.organization_id = has_credits.organization_id and p.id = has_credits.payment_id
           and p.closer_id is not distinct from has_credits.closer_id
           and p.setter_id is not distinct from has_credits.setter_id and k.is_so);
end;
$$;
comment on function app.has_credits(uuid, uuid, uuid, uuid) is 'Whether a payment is credited to this closer and this setter alone.';

-- app.set_credits: credit the people whom a rule finds. Whom a person credited stays, with amounts that follow the payment's.
create or replace function app.set_credits(
    organization_id uuid, payment_id uuid, closer_ids uuid[], setter_ids uuid[],
    closer_weights numeric[] default null, setter_weights numeric[] default null
) returns void
language plpgsql volatile set search_path = '' as $$
begin
    if closer_weights is null and setter_weights is null and cardinality(closer_ids) <= 1 and cardinality(setter_ids) <= 1
       and app.has_credits(set_credits.organization_id, set_credits.payment_id, closer_ids[1], setter_ids[1]) then
        return;
    end if;
    if exists (select from app.payments as p
                where p.organization_id = set_credits.organization_id and p.id = set_credits.payment_id
                  and p.credited_by_hand) then
        perform app.spread_credits(set_credits.organization_id, set_credits.payment_id);
    else
        perform app.replace_credits(set_credits.organization_id, set_credits.payment_id, closer_ids, setter_ids,
                                    closer_weights, setter_weights);
    end if;
end;
$$;
comment on function app.set_credits(uuid, uuid, uuid[], uuid[], numeric[], numeric[]) is
    'Credit the people whom a rule finds, unless a person decided.';

-- app.spread_credits: the people credited stay, their amounts follow the payment's.
create or replace function app.spread_credits(organization_id uuid, payment_id uuid) returns void
language sql volatile set search_path = '' as $$
    select app.replace_credits(
            spread_credits.organization_id, spread_credits.payment_id,
            coalesce(array_agg(c.closer_id order by c.share desc, c.closer_id) filter (where c.role = 'closer'), '{}'),
            coalesce(array_agg(c.setter_id order by c.share desc, c.setter_id) filter (where c.role = 'setter'), '{}'),
            array_agg(c.share order by c.share desc, c.closer_id) filter (where c.role = 'closer'),
            array_agg(c.share order by c.share desc, c.setter_id) filter (where c.role = 'setter'))
      from app.payment_credits as c
     where c.organization_id = spread_credits.organization_id and c.payment_id = spread_credits.payment_id;
$$;
comment on function app.spread_credits(uuid, uuid) is 'The people credited stay, their amounts follow the payment''s.';

-- app.people_of_sale: who is credited with money of this call and this deal. A deal that a person made says so itself, where it
-- does; else the call: who took it, and the setter by the organization's rule (event, original, current).
create or replace function app.people_of_sale(
    organization_id uuid, event_id uuid, deal_id uuid, out closer_id uuid, out setter_id uuid
) returns record
language sql stable
begin atomic
    select coalesce(d.closer_id, e.credited_closer_id),
           coalesce(d.setter_id, case o.setter_attribution when 'event' then e.credited_setter_id
                                      when 'original' then l.original_setter_id else l.current_setter_id end)
      from app.organizations as o
      left join app.deals as d on d.organization_id = o.id and d.id = people_of_sale.deal_id and not d.is_automatic
      left join app.events as e on e.organization_id = o.id and e.id = people_of_sale.event_id
      left join app.leads as l on l.organization_id = o.id and l.id = e.lead_id
     where o.id = people_of_sale.organization_id;
end;
comment on function app.people_of_sale(uuid, uuid, uuid) is 'Who is credited with money of this call and this deal.';

-- app.credit_sale: a payment whose call or deal is settled, a claim above all, is credited to the people of it.
create or replace function app.credit_sale(organization_id uuid, payment_id uuid) returns void
language sql volatile set search_path = '' as $$
    select app.set_credits(p.organization_id, p.id, array_remove(array[s.closer_id], null), array_remove(array[s.setter_id], null))
      from app.payments as p
     cross join app.people_of_sale(p.organization_id, p.event_id, p.deal_id) as s
     where p.organization_id = credit_sale.organization_id and p.id = credit_sale.payment_id;
$$;
comment on function app.credit_sale(uuid, uuid) is 'A payment is credited to the people of its call or deal.';

-- app.credit_claim: a claim is credited to the people of its call.
create or replace function app.credit_claim(organization_id uuid, payment_id uuid) returns void
language sql volatile set search_path = '' as $$
    select app.credit_sale(credit_claim.organization_id, credit_claim.payment_id);
$$;
comment on function app.credit_claim(uuid, uuid) is 'A claim is credited to the people of its call.';
