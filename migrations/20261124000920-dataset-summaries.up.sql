-- What a dataset's page shows of its file, and of each of its scenarios. Null where it was read before this.

ALTER TABLE dataset ADD COLUMN contents jsonb;
ALTER TABLE dataset_scenario ADD COLUMN spread jsonb;
GRANT UPDATE (contents) ON dataset TO fusecast_app;
