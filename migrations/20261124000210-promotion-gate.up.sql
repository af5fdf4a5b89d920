-- Gates of promotions: a version comes into use only if it is not worse on an evaluation set than the one before.

ALTER TABLE predictor
  ADD COLUMN gate_evaluation_set_id uuid,
  -- percentage points of mean absolute percentage error
  ADD COLUMN gate_margin_percent double precision CHECK (gate_margin_percent BETWEEN 0 AND 100),
  ADD CONSTRAINT predictor_gate CHECK ((gate_evaluation_set_id IS NULL) = (gate_margin_percent IS NULL)),
  ADD CONSTRAINT predictor_gate_evaluation_set
    FOREIGN KEY (team_id, gate_evaluation_set_id) REFERENCES evaluation_set (team_id, id);
GRANT UPDATE (gate_evaluation_set_id, gate_margin_percent) ON predictor TO fusecast_app;

-- What the gate said of a promotion, and whether an admin promoted nevertheless; null where there was none.
ALTER TABLE stage_change ADD COLUMN gate jsonb CHECK (gate IS NULL OR to_stage = 'IN_USE');
