select null::app.metric_difference;
