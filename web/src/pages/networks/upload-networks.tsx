/** Uploading networks: their weights are taken out here, in the browser, and only what is left is sent. */
import { Stack, Text } from '@mantine/core';
import { useState } from 'react';
import { stripNetwork } from '../../../../src/engine/network';
import { graphql } from '../../api/generated';
import { useApiRequest } from '../../api/hooks';
import { formatBytes } from '../../components/format';
import { UploadFiles } from '../../components/upload/upload-files';

const CREATE_NETWORK = graphql(`
  mutation CreateNetwork($input: CreateNetworkInput!) {
    createNetwork(input: $input) { network { id } }
  }
`);

interface Stripped {
  readonly name: string;
  readonly readBytes: number;
  readonly sentBytes: number;
}

export function UploadNetworks({ onCreated }: { onCreated: () => void }) {
  const request = useApiRequest();
  const [stripped, setStripped] = useState<readonly Stripped[]>([]);
  const prepare = async (file: File) => {
    const { bytes } = stripNetwork(new Uint8Array(await file.arrayBuffer()));
    setStripped((before) => [...before, { name: file.name, readBytes: file.size, sentBytes: bytes.byteLength }]);
    return new Blob([bytes as Uint8Array<ArrayBuffer>]);
  };
  const create = async (uploadId: string, file: File) => {
    const name = file.name.replace(/\.(onnx|tflite)$/i, '').slice(0, 200);
    const { error } = await request(CREATE_NETWORK, { input: { uploadId, name } });
    if (!error) onCreated();
    return error;
  };
  return (
    <Stack gap="xs">
      <UploadFiles
        kind="NETWORK"
        label="Upload networks"
        hint="ONNX or TensorFlow Lite; weights do not leave this browser"
        accept=".onnx,.tflite"
        prepare={prepare}
        onUploaded={create}
      />
      {stripped.map(({ name, readBytes, sentBytes }) => (
        <Text key={name} size="sm" c="dimmed">
          {name}: {formatBytes(readBytes)} read, {formatBytes(sentBytes)} sent.
        </Text>
      ))}
    </Stack>
  );
}
