select organization_id, id, requested_by, table_name, date_column, start_date, end_date, columns, format, state, row_count, finished_at
  from app.exports where false;
