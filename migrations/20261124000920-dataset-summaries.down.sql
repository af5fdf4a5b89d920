REVOKE UPDATE (contents) ON dataset FROM fusecast_app;
ALTER TABLE dataset_scenario DROP COLUMN spread;
ALTER TABLE dataset DROP COLUMN contents;
