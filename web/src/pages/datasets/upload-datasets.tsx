/** Uploading profiles: each file becomes a dataset of its name. */
import { Group, Stack, Text, TextInput } from '@mantine/core';
import { useState } from 'react';
import { graphql } from '../../api/generated';
import { useApiRequest } from '../../api/hooks';
import { UploadFiles } from '../../components/upload/upload-files';

const CREATE_DATASET = graphql(`
  mutation CreateDataset($input: CreateDatasetInput!) {
    createDataset(input: $input) { dataset { id } }
  }
`);

export function UploadDatasets({ onCreated }: { onCreated: () => void }) {
  const request = useApiRequest();
  const [network, setNetwork] = useState('');
  const [scenario, setScenario] = useState('');
  const create = async (uploadId: string, file: File) => {
    const run = network || scenario ? { network: network.trim(), scenario: scenario.trim() } : {};
    const { error } = await request(CREATE_DATASET, { input: { uploadId, name: file.name.slice(0, 200), ...run } });
    if (!error) onCreated();
    return error;
  };
  return (
    <Stack gap="xs">
      <UploadFiles
        kind="DATASET"
        label="Upload datasets"
        hint="CSV, JSON, JSON lines or Parquet, up to 256 MiB each"
        accept=".csv,.json,.jsonl,.ndjson,.parquet"
        onUploaded={create}
      />
      <details className="more">
        <summary>A profile that onnxruntime wrote</summary>
        <Text size="sm" c="dimmed" mt={4}>
          It names neither its network nor its scenario: say both before choosing the file.
        </Text>
        <Group gap="sm" mt={4} align="flex-end">
          <TextInput
            label="Network"
            placeholder="mobilenet_v2"
            value={network}
            onChange={({ currentTarget }) => setNetwork(currentTarget.value)}
          />
          <TextInput
            label="Scenario"
            placeholder="runtime/device/processor/type"
            w="20rem"
            maw="100%"
            value={scenario}
            onChange={({ currentTarget }) => setScenario(currentTarget.value)}
          />
        </Group>
      </details>
    </Stack>
  );
}
