-- The common queries of the original system, to the letter; only the organization is put in for 'org-uuid'.

-- query: events
SELECT e.*, c.name as closer_name, s.name as setter_name
FROM events e
LEFT JOIN closers c ON e.closer_id = c.id
LEFT JOIN setters s ON e.setter_id = s.id
WHERE e.organization_id = 'org-uuid'
ORDER BY e.scheduled_at DESC;

-- query: show_rate
SELECT 
  COUNT(CASE WHEN event_outcome IS NOT NULL AND event_outcome != 'no_show' THEN 1 END) as shows,
  COUNT(CASE WHEN call_status IN ('completed', 'no_show') THEN 1 END) as total,
  ROUND(
    COUNT(CASE WHEN event_outcome IS NOT NULL AND event_outcome != 'no_show' THEN 1 END)::numeric / 
    NULLIF(COUNT(CASE WHEN call_status IN ('completed', 'no_show') THEN 1 END), 0) * 100,
    1
  ) as show_rate
FROM events
WHERE organization_id = 'org-uuid'
  AND scheduled_at BETWEEN '2026-01-01' AND '2026-01-31';

-- query: revenue_by_closer
SELECT 
  c.name as closer_name,
  COUNT(p.id) as payment_count,
  SUM(p.amount) as total_revenue,
  SUM(p.refund_amount) as total_refunds,
  SUM(p.amount - COALESCE(p.refund_amount, 0)) as net_revenue
FROM payments p
JOIN closers c ON p.closer_id = c.id
WHERE p.organization_id = 'org-uuid'
  AND p.payment_date BETWEEN '2026-01-01' AND '2026-01-31'
GROUP BY c.id, c.name
ORDER BY net_revenue DESC;

-- query: overdue_pcfs
SELECT e.*, c.name as closer_name
FROM events e
LEFT JOIN closers c ON e.closer_id = c.id
WHERE e.organization_id = 'org-uuid'
  AND e.scheduled_at < NOW()
  AND e.pcf_submitted = false
  AND e.call_status NOT IN ('canceled', 'rescheduled')
ORDER BY e.scheduled_at DESC;
