-- Who paid, as the ladder finds it before it is asked for what: so that a lead can be locked in between.
-- depends: 0021_lean_audit

-- rung: the one that decided. is_ambiguous: it names more than one lead. event_id, deal_id: what it named itself.
create type app.payer as (rung text, lead_id uuid, event_id uuid, deal_id uuid, is_ambiguous boolean, steps jsonb);
comment on type app.payer is 'Who paid, and what said so.';
