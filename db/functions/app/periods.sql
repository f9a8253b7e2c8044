-- Periods of local days: who was there, and into which parts they divide. Internal: nobody but the owner may call these.

-- app.was_there: was somebody on a roster on any day from start_date to end_date? Whoever was archived without a last day
-- is not there any more, and never was.
create or replace function app.was_there(
    is_active boolean, active_from date, active_until date, start_date date, end_date date
) returns boolean
language sql immutable parallel safe
return coalesce(active_from <= end_date, true)
   and coalesce(active_until >= start_date, is_active);
comment on function app.was_there(boolean, date, date, date, date) is 'True for who was on a roster on any day of a period.';

-- app.longest_answer: how many buckets a series, and how many days a calendar may have.
create or replace function app.longest_answer() returns integer
language sql immutable parallel safe
return 1000;
comment on function app.longest_answer() is 'How many buckets, or days, one answer may have.';

-- app.buckets: a period of inclusive local dates as consecutive days, weeks or months, by the first day of each.
-- Weeks start on week_start (ISO: 1 Monday to 7 Sunday). The first and the last bucket are what of them is in the period.
create or replace function app.buckets(bucket text, start_date date, end_date date, week_start integer)
returns table (bucket_start date)
language sql immutable parallel safe
begin atomic
    select buckets.start_date
    union
    select d.day::date
      from generate_series(
            case buckets.bucket
                when 'day' then buckets.start_date
                when 'week' then buckets.start_date - mod(extract(isodow from buckets.start_date)::integer - buckets.week_start + 7, 7)
                when 'month' then date_trunc('month', buckets.start_date)::date
            end::timestamp,
            buckets.end_date::timestamp, ('1 ' || buckets.bucket)::interval) as d (day)
     where d.day > buckets.start_date
     order by 1;
end;
comment on function app.buckets(text, date, date, integer) is 'The first days of consecutive days, weeks or months of a period.';
