select kind from app.setter_calls where false;
select family from app.metric_catalog where false;
