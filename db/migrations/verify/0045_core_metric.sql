select (null::app.core_metric).as_of where false;
