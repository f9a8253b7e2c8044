-- The seed's Appendix A, to the letter, over the product's tables: show rate, revenue by closer, overdue forms. Its first query lists
-- a whole organization and measures nothing.
SELECT
  COUNT(CASE WHEN event_outcome IS NOT NULL AND event_outcome != 'no_show' THEN 1 END) as shows,
  COUNT(CASE WHEN call_status IN ('completed', 'no_show') THEN 1 END) as total,
  ROUND(
    COUNT(CASE WHEN event_outcome IS NOT NULL AND event_outcome != 'no_show' THEN 1 END)::numeric /
    NULLIF(COUNT(CASE WHEN call_status IN ('completed', 'no_show') THEN 1 END), 0) * 100,
    1
  ) as show_rate
FROM events
WHERE organization_id = :organization
  AND scheduled_at BETWEEN :start AND :end;

SELECT
  c.name as closer_name,
  COUNT(p.id) as payment_count,
  SUM(p.amount) as total_revenue,
  SUM(p.refund_amount) as total_refunds,
  SUM(p.amount - COALESCE(p.refund_amount, 0)) as net_revenue
FROM payments p
JOIN closers c ON p.closer_id = c.id
WHERE p.organization_id = :organization
  AND p.payment_date BETWEEN :start AND :end
GROUP BY c.id, c.name
ORDER BY net_revenue DESC;

SELECT e.*, c.name as closer_name
FROM events e
LEFT JOIN closers c ON e.closer_id = c.id
WHERE e.organization_id = :organization
  AND e.scheduled_at < NOW()
  AND e.pcf_submitted = false
  AND e.call_status NOT IN ('canceled', 'rescheduled')
ORDER BY e.scheduled_at DESC;
