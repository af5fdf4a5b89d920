/** Uploading networks: weights stay in the browser, dynamic dimensions get their sizes. */
import { Button, Group, Modal, NumberInput, Stack, Text } from '@mantine/core';
import { type FormEvent, useRef, useState } from 'react';
import { graphql } from '../../api/generated';
import type { DimensionBindingInput } from '../../api/generated/graphql';
import { useApiRequest } from '../../api/hooks';
import { formatBytes } from '../../components/format';
import { UploadFiles } from '../../components/upload/upload-files';
import { stripFile } from './strip';

const CREATE_NETWORK = graphql(`
  mutation CreateNetwork($input: CreateNetworkInput!) {
    createNetwork(input: $input) { network { id } }
  }
`);

/** A file whose dimensions somebody is asked for. */
interface Question {
  readonly fileName: string;
  readonly dimensions: readonly string[];
  readonly resolve: (bindings: DimensionBindingInput[] | undefined) => void;
}

interface Stripped {
  readonly fileName: string;
  readonly readBytes: number;
  readonly sentBytes: number;
  readonly stripped: number;
}

export function UploadNetworks({ onCreated }: { onCreated: () => void }) {
  const request = useApiRequest();
  const [question, setQuestion] = useState<Question>();
  const [done, setDone] = useState<readonly Stripped[]>([]);
  const bindings = useRef(new WeakMap<File, DimensionBindingInput[]>());

  const prepare = async (file: File): Promise<Blob> => {
    const { bytes, stripped, dimensions } = await stripFile(file);
    if (dimensions.length > 0) {
      const given = await new Promise<DimensionBindingInput[] | undefined>((resolve) =>
        setQuestion({ fileName: file.name, dimensions, resolve }),
      );
      setQuestion(undefined);
      if (!given) {
        throw {
          code: 'UNBOUND_DIMENSION',
          message: `The file has dynamic dimensions: ${dimensions.join(', ')}.`,
          where: file.name,
          remedy: 'Try again, and give each its size.',
        };
      }
      bindings.current.set(file, given);
    }
    const line = { fileName: file.name, readBytes: file.size, sentBytes: bytes.size, stripped };
    setDone((before) => [...before.filter(({ fileName }) => fileName !== file.name), line]);
    return bytes;
  };
  const create = async (uploadId: string, file: File) => {
    const name = file.name.replace(/\.[^.]*$/, '').slice(0, 200);
    const { error } = await request(CREATE_NETWORK, {
      input: { uploadId, name, bindings: bindings.current.get(file) ?? [] },
    });
    if (!error) onCreated();
    return error;
  };
  return (
    <Stack gap="xs">
      <UploadFiles
        kind="NETWORK"
        label="Upload networks"
        hint="ONNX or TFLite; their weights stay in this browser"
        accept=".onnx,.tflite"
        prepare={prepare}
        onUploaded={create}
      />
      {done.length > 0 && (
        <ul aria-label="Weights left out" style={{ margin: 0, paddingLeft: '1.25rem' }}>
          {done.map(({ fileName, readBytes, sentBytes, stripped }) => (
            <Text component="li" size="sm" key={fileName} style={{ overflowWrap: 'anywhere' }}>
              {fileName}: {formatBytes(readBytes)} read, {formatBytes(sentBytes)} sent, {stripped}{' '}
              {stripped === 1 ? 'tensor' : 'tensors'} of weights left out
            </Text>
          ))}
        </ul>
      )}
      <Modal
        opened={question !== undefined}
        onClose={() => question?.resolve(undefined)}
        title={`Sizes of ${question?.fileName ?? ''}`}
      >
        {question && <Bindings {...question} />}
      </Modal>
    </Stack>
  );
}

function Bindings({ dimensions, resolve }: Question) {
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const fields = new FormData(event.currentTarget);
    resolve(dimensions.map((name) => ({ name, size: Number(fields.get(name)) })));
  };
  return (
    <form onSubmit={submit}>
      <Stack gap="sm">
        <Text>The file leaves these dimensions open. The latency depends on them.</Text>
        {dimensions.map((name) => (
          <NumberInput
            key={name}
            name={name}
            label={name}
            required
            min={1}
            max={1_000_000}
            allowDecimal={false}
            defaultValue={/batch|^n$|\.0$/i.test(name) ? 1 : undefined}
          />
        ))}
        <Group justify="flex-end" gap="xs">
          <Button variant="default" onClick={() => resolve(undefined)}>
            Cancel
          </Button>
          <Button type="submit">Use these sizes</Button>
        </Group>
      </Stack>
    </form>
  );
}
