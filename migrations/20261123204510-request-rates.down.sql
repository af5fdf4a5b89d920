DROP TABLE request_rate;
