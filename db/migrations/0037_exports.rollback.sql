drop view if exists api.exports cascade;
drop table app.exports cascade;
