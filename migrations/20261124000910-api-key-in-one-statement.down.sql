DROP FUNCTION read_api_key;
