ALTER TABLE dataset DROP COLUMN provenance;
ALTER TABLE prediction DROP COLUMN calibration_id;
DROP TABLE drift_alert, expected_latency, measured_latency, calibration;
DROP FUNCTION refuse_change_of_calibration();
