select 1 / (to_regclass('app.leads_test_idx') is not null)::integer;
select 1 / (to_regclass('app.post_call_forms_disqualified_idx') is not null)::integer;
