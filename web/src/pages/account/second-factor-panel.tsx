/** Turning the second factor on (password, QR code, code, recovery codes) and off. */
import { Group, PasswordInput, Stack, Text, TextInput } from '@mantine/core';
import { QRCodeSVG } from 'qrcode.react';
import { useState } from 'react';
import { graphql } from '../../api/generated';
import { useApiMutation } from '../../api/hooks';
import { ActionForm } from '../../components/action-form';
import { CopyBlock } from '../../components/copy-block';
import { Panel } from '../../components/page';
import { useSession } from '../../session';

const ENROL = graphql(`
  mutation EnrolSecondFactor($input: EnrolSecondFactorInput!) {
    enrolSecondFactor(input: $input) { secret uri }
  }
`);
const CONFIRM = graphql(`
  mutation ConfirmSecondFactor($input: ConfirmSecondFactorInput!) {
    confirmSecondFactor(input: $input) { recoveryCodes }
  }
`);
const DISABLE = graphql(`
  mutation DisableSecondFactor($input: DisableSecondFactorInput!) {
    disableSecondFactor(input: $input) { disabled }
  }
`);

export function SecondFactorPanel() {
  const { hasSecondFactor, reload } = useSession();
  const [recoveryCodes, setRecoveryCodes] = useState<readonly string[]>();
  const confirmed = (codes: readonly string[]) => {
    setRecoveryCodes(codes);
    reload();
  };
  return (
    <Panel title="Second factor">
      <Stack gap="sm">
        {recoveryCodes && (
          <>
            <Text>
              The second factor is on. Keep these recovery codes: each signs in once in place of a code, and they are
              shown this once.
            </Text>
            <CopyBlock label="Recovery codes" text={recoveryCodes.join('\n')} />
          </>
        )}
        {hasSecondFactor ? <Disable onDone={reload} /> : <Enrol onDone={confirmed} />}
      </Stack>
    </Panel>
  );
}

function Enrol({ onDone }: { onDone: (recoveryCodes: readonly string[]) => void }) {
  const [enrol, enrolState] = useApiMutation(ENROL);
  const [confirm, confirmState] = useApiMutation(CONFIRM);
  const [enrolled, setEnrolled] = useState<{ secret: string; uri: string }>();
  if (!enrolled) {
    const submit = async ({ password }: Record<string, string>) => {
      setEnrolled((await enrol({ input: { password } }))?.enrolSecondFactor);
    };
    return (
      <ActionForm submit="Set up" state={enrolState} onSubmit={submit}>
        <Text>Signing in then takes a code of an authenticator app as well as the password.</Text>
        <PasswordInput name="password" label="Password" autoComplete="current-password" required />
      </ActionForm>
    );
  }
  const submit = async ({ code }: Record<string, string>) => {
    const data = await confirm({ input: { code } });
    if (data) onDone(data.confirmSecondFactor.recoveryCodes);
  };
  return (
    <ActionForm submit="Turn on" state={confirmState} onSubmit={submit}>
      <Text>Scan this with the app, or type the secret into it; then give the code that it shows.</Text>
      <Group align="flex-start">
        <QRCodeSVG value={enrolled.uri} size={144} marginSize={2} title="Secret for the authenticator app" />
      </Group>
      <CopyBlock label="Secret" text={enrolled.secret} />
      <TextInput name="code" label="Code" inputMode="numeric" autoComplete="one-time-code" required autoFocus />
    </ActionForm>
  );
}

function Disable({ onDone }: { onDone: () => void }) {
  const [disable, state] = useApiMutation(DISABLE);
  const submit = async ({ password }: Record<string, string>) => {
    if (await disable({ input: { password } })) onDone();
  };
  return (
    <ActionForm submit="Turn off" state={state} onSubmit={submit}>
      <Text>The second factor is on.</Text>
      <PasswordInput name="password" label="Password, to turn it off" autoComplete="current-password" required />
    </ActionForm>
  );
}
