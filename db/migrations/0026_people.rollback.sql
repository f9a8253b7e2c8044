drop view if exists api.roster_proposals;
drop view if exists api.invitations;
drop table app.roster_proposals cascade;
alter table app.invitations drop constraint invitations_email_is_an_address, drop column sent_at;
