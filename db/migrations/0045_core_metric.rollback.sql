drop type app.core_metric cascade;
