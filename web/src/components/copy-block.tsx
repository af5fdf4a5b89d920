/** Text to take along, such as a secret or a command line, with a button that copies it. */
import { Button, CopyButton, Group } from '@mantine/core';

export function CopyBlock({ label, text }: { label: string; text: string }) {
  return (
    <Group className="panel" px="sm" py="xs" justify="space-between" wrap="nowrap" align="flex-start">
      <pre className="code" data-label={label}>
        {text}
      </pre>
      <CopyButton value={text}>
        {({ copied, copy }) => (
          <Button variant="default" size="compact-xs" onClick={copy} aria-label={`Copy: ${label}`} flex="none">
            {copied ? 'Copied' : 'Copy'}
          </Button>
        )}
      </CopyButton>
    </Group>
  );
}
