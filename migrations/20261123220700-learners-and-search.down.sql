-- Versions of the newer learners stay; no new ones are made.
ALTER TABLE predictor_version DROP COLUMN searched_settings;
ALTER TABLE predictor_version DROP CONSTRAINT predictor_version_learner_check;
ALTER TABLE predictor_version ADD CONSTRAINT predictor_version_learner_check
  CHECK (learner IN ('lasso', 'boosting')) NOT VALID;
