-- The role fusecast_app stays: it belongs to the whole server, and other databases may use it.
DROP TABLE api_key, member, team, person_session, person;
REVOKE USAGE ON SCHEMA public FROM fusecast_app;
