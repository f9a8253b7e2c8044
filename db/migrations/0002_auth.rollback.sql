drop table auth.attempts;
drop table auth.pkce_codes;
drop table auth.one_time_tokens;
drop table auth.refresh_tokens;
drop table auth.sessions;
drop table auth.users;
