-- How many requests a key, person or address has made in the window that is running, in the form that
-- rate-limiter-flexible has. Used by the connecting role itself, before it is known whom a request serves. Not logged:
-- after a crash everybody starts anew, and a request never waits for the disk. The free space keeps each change of a
-- counter on its page.
CREATE UNLOGGED TABLE request_rate (
  key varchar(255) PRIMARY KEY,
  points integer NOT NULL DEFAULT 0,
  expire bigint
) WITH (fillfactor = 50);

ALTER TABLE request_rate ENABLE ROW LEVEL SECURITY;
ALTER TABLE request_rate FORCE ROW LEVEL SECURITY;
CREATE POLICY counting ON request_rate USING (true);
