DROP TABLE failed_job;
DROP FUNCTION holds_job;
DROP TABLE job_lease;
