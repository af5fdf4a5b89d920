DROP TABLE network, dataset_scenario, dataset, scenario, device, upload;
