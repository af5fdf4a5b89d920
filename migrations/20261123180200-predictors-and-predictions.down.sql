DROP TABLE prediction, predictor_version_dataset, predictor_version, predictor;
DROP FUNCTION refuse_change_of_ended_version();
