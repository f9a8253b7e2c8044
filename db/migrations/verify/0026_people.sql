select sent_at from app.invitations where false;
select organization_id, id, provider, provider_user_id, name, email, state, closer_id, setter_id from app.roster_proposals where false;
