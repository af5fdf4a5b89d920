DROP TABLE invitation;
DROP POLICY own_memberships ON team;
CREATE POLICY own_memberships ON team FOR SELECT
  USING (EXISTS (
    SELECT FROM member
    WHERE member.team_id = team.id
      AND member.person_id = nullif(current_setting('app.person_id', true), '')::uuid
  ));
DROP POLICY only_when_due ON team;
REVOKE UPDATE (name), DELETE ON team FROM fusecast_app;
ALTER TABLE team DROP COLUMN deletion_due_at;
REVOKE UPDATE (role), DELETE ON member FROM fusecast_app;
DROP POLICY fellow_members ON person;
