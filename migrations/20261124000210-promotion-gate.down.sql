ALTER TABLE stage_change DROP COLUMN gate;
ALTER TABLE predictor
  DROP CONSTRAINT predictor_gate_evaluation_set,
  DROP CONSTRAINT predictor_gate,
  DROP COLUMN gate_margin_percent,
  DROP COLUMN gate_evaluation_set_id;
