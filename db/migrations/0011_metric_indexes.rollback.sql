drop index app.post_call_forms_disqualified_idx;
drop index app.leads_test_idx;
