-- Leaderboards as one would write them plainly: calls and money by person, without policies, chains, refunds or time zones.
-- By closer:
SELECT e.credited_closer_id,
       count(*) AS booked_calls,
       count(*) FILTER (WHERE e.call_status = 'completed') AS shows,
       count(*) FILTER (WHERE e.call_status = 'no_show') AS no_shows,
       count(*) FILTER (WHERE e.event_outcome IN ('showed_offer', 'closed')) AS offers,
       count(*) FILTER (WHERE e.event_outcome = 'closed') AS closes,
       max(m.cash) AS cash_collected
FROM events e
LEFT JOIN (SELECT p.closer_id, sum(p.amount_base) AS cash FROM payments p
           WHERE p.organization_id = :organization AND p.status = 'succeeded'
             AND p.payment_date >= :start AND p.payment_date < :end GROUP BY p.closer_id) m ON m.closer_id = e.credited_closer_id
WHERE e.organization_id = :organization
  AND e.scheduled_at >= :start AND e.scheduled_at < :end AND e.deleted_at IS NULL AND e.duplicate_of_id IS NULL
GROUP BY e.credited_closer_id ORDER BY cash_collected DESC NULLS LAST;

-- By setter:
SELECT e.credited_setter_id,
       count(*) AS sets,
       count(*) FILTER (WHERE e.call_status = 'completed') AS shows,
       count(*) FILTER (WHERE e.event_outcome = 'closed') AS closes,
       max(m.cash) AS cash_from_sets, max(a.dials) AS dials
FROM events e
LEFT JOIN (SELECT p.setter_id, sum(p.amount_base) AS cash FROM payments p
           WHERE p.organization_id = :organization AND p.status = 'succeeded'
             AND p.payment_date >= :start AND p.payment_date < :end GROUP BY p.setter_id) m ON m.setter_id = e.credited_setter_id
LEFT JOIN (SELECT s.setter_id, sum(s.dials) AS dials FROM setter_activities s
           WHERE s.organization_id = :organization AND s.activity_date >= :start::date AND s.activity_date < :end::date
           GROUP BY s.setter_id) a ON a.setter_id = e.credited_setter_id
WHERE e.organization_id = :organization
  AND e.scheduled_at >= :start AND e.scheduled_at < :end AND e.deleted_at IS NULL AND e.duplicate_of_id IS NULL
GROUP BY e.credited_setter_id ORDER BY sets DESC;
