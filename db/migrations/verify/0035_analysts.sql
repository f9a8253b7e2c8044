select l.rotated_at from app.analyst_logins as l where false;
select 1 / (select count(*) from app.announcement_channels as c where c.purpose = 'platform_access');
