select entity, external_id, row_id, content, follows from app.import_keys where false;
