DROP TRIGGER usage ON network;
DROP TRIGGER usage ON dataset;
DROP TRIGGER usage ON predictor_version;
DROP TRIGGER usage_bytes ON upload;
DROP TRIGGER usage_bytes ON predictor_version;
DROP FUNCTION count_usage();
DROP INDEX upload_sha256;
DROP INDEX predictor_version_started;
DROP TABLE team_quota, team_usage;
