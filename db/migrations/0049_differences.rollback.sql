drop type app.metric_difference cascade;
