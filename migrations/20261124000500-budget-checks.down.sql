DROP TABLE budget_check_result;
DROP TABLE budget_check;
