drop table app.import_keys;
