/**
 * A place to drop files on or choose them by, and the files on their way below it. Must not know nouns.
 *
 * `<UploadFiles kind="DATASET" label="Upload a dataset" hint="CSV, JSON or Parquet" onUploaded={...} />`: see
 * {@link UploadOptions} for `prepare` and `onUploaded`. Bytes are hashed in the browser; files of more than 8 MiB go in
 * parts, and the same file chosen again, also after a reload, sends only those that are missing.
 */
import { Button, Group, Text } from '@mantine/core';
import { IconUpload } from '@tabler/icons-react';
import { type DragEvent, useId, useRef, useState } from 'react';
import { UploadRow } from './upload-row';
import { type UploadOptions, useUploads } from './use-uploads';

export interface UploadFilesProps extends UploadOptions {
  /** Of the button that opens the file chooser. */
  readonly label: string;
  /** Which files, in a few words. */
  readonly hint: string;
  /** Extensions for the file chooser: `.csv,.json`. */
  readonly accept?: string;
}

export function UploadFiles({ label, hint, accept, ...options }: UploadFilesProps) {
  const { items, add, pause, resume, remove } = useUploads(options);
  const [over, setOver] = useState(false);
  const chooser = useRef<HTMLInputElement>(null);
  const hintId = useId();
  const drop = (event: DragEvent) => {
    event.preventDefault();
    setOver(false);
    add([...event.dataTransfer.files]);
  };
  return (
    <section aria-label={label}>
      {/* biome-ignore lint/a11y/noStaticElementInteractions: dropping is for the mouse; the button does the same by keyboard */}
      <div
        className="drop-place"
        data-over={over || undefined}
        onDragOver={(event) => {
          event.preventDefault();
          setOver(true);
        }}
        onDragLeave={() => setOver(false)}
        onDrop={drop}
      >
        <Group gap="sm" justify="center">
          <Button
            variant="default"
            leftSection={<IconUpload size={14} />}
            aria-describedby={hintId}
            onClick={() => chooser.current?.click()}
          >
            {label}
          </Button>
          <Text size="sm" c="dimmed" id={hintId}>
            or drop files here: {hint}
          </Text>
        </Group>
        <input
          ref={chooser}
          type="file"
          hidden
          multiple
          accept={accept}
          aria-label={label}
          onChange={({ currentTarget }) => {
            add([...(currentTarget.files ?? [])]);
            // The same file chosen again is a change, too.
            currentTarget.value = '';
          }}
        />
      </div>
      {items.length > 0 && (
        <ul className="upload-list panel" aria-label="Files on their way">
          {items.map((item) => (
            <UploadRow
              key={item.id}
              item={item}
              onPause={() => pause(item.id)}
              onResume={() => resume(item.id)}
              onRemove={() => remove(item.id)}
            />
          ))}
        </ul>
      )}
    </section>
  );
}
