/** The secret of a key, shown this once, and the lines that use it. */
import { Stack, Text } from '@mantine/core';
import { CopyBlock } from '../../components/copy-block';

export function SecretOnce({ apiKey }: { apiKey: string }) {
  const lines = `export FUSECAST_URL=${window.location.origin}\nexport FUSECAST_API_KEY=${apiKey}\nnpx fusecast predict network.onnx --scenario runtime/device/processor/type`;
  return (
    <Stack gap="sm">
      <Text>It is shown this once. If it gets lost, rotate the key.</Text>
      <CopyBlock label="API key" text={apiKey} />
      <Text>For the command line:</Text>
      <CopyBlock label="Command line" text={lines} />
    </Stack>
  );
}
