DROP TABLE predictor_version_network, predictor_version_evaluation_set, evaluation_set_row, evaluation_set;
DROP FUNCTION refuse_change_of_evaluation_set(), refuse_row_of_frozen_evaluation_set();
