-- More learners, and a search over their settings.

ALTER TABLE predictor_version DROP CONSTRAINT predictor_version_learner_check;
ALTER TABLE predictor_version ADD CONSTRAINT predictor_version_learner_check
  CHECK (learner IN ('auto', 'lasso', 'forest', 'boosting', 'perceptron', 'gaussianProcess'));
ALTER TABLE predictor_version ADD COLUMN searched_settings integer NOT NULL DEFAULT 0
  CHECK (searched_settings BETWEEN 0 AND 32);
