/** The buttons of a version's life, each of which asks for the reason that is kept. */
import { Button, Checkbox, Modal, Textarea } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { notifications } from '@mantine/notifications';
import { graphql } from '../../api/generated';
import type { VersionStage } from '../../api/generated/graphql';
import { type ApiMutationState, useApiMutation } from '../../api/hooks';
import { ActionForm } from '../../components/action-form';
import { useTeam } from '../../team';

const NOMINATE = graphql(`
  mutation NominateVersion($input: NominateVersionInput!) {
    nominateVersion(input: $input) { version { id stage } }
  }
`);
const PROMOTE = graphql(`
  mutation PromoteVersion($input: PromoteVersionInput!) {
    promoteVersion(input: $input) { version { id stage } gate { message } }
  }
`);
const RETIRE = graphql(`
  mutation RetireVersion($input: RetireVersionInput!) {
    retireVersion(input: $input) { version { id stage } }
  }
`);
const ROLL_BACK = graphql(`
  mutation RollBackPredictor($input: RollBackPredictorInput!) {
    rollBackPredictor(input: $input) { version { id number stage } }
  }
`);

interface ReasonButtonProps {
  readonly label: string;
  readonly title: string;
  readonly what: string;
  readonly primary?: boolean;
  /** Offers to promote against the gate. */
  readonly override?: boolean;
  readonly state: ApiMutationState;
  /** Resolves with undefined if it failed. */
  readonly onConfirm: (reason: string, override: boolean) => Promise<unknown>;
}

function ReasonButton({ label, title, what, primary, override, state, onConfirm }: ReasonButtonProps) {
  const [opened, { open, close }] = useDisclosure();
  const submit = async ({ reason, overrideGate }: Record<string, string>) => {
    if ((await onConfirm(reason, overrideGate === 'on')) !== undefined) close();
  };
  const begin = () => {
    state.clear();
    open();
  };
  return (
    <>
      <Button variant={primary ? 'filled' : 'default'} onClick={begin}>
        {label}
      </Button>
      <Modal opened={opened} onClose={close} title={title}>
        <ActionForm submit={label} state={state} onSubmit={submit}>
          <Textarea
            name="reason"
            label="Reason"
            description={`${what} It is kept for good.`}
            required
            maxLength={2000}
            autosize
            minRows={2}
            data-autofocus
          />
          {override && state.error?.code === 'CONFLICT' && (
            <Checkbox name="overrideGate" label="Promote nevertheless, as an admin; it is recorded" />
          )}
        </ActionForm>
      </Modal>
    </>
  );
}

export function RollBackButton({ predictorId, onDone }: { predictorId: string; onDone: () => void }) {
  const [rollBack, state] = useApiMutation(ROLL_BACK);
  return (
    <ReasonButton
      label="Roll back"
      title="Roll back to the version before"
      what="Why the version in use leaves."
      state={state}
      onConfirm={async (reason) => {
        const data = await rollBack({ input: { predictorId, reason } });
        if (data) onDone();
        return data;
      }}
    />
  );
}

export interface StageButtonsProps {
  readonly versionId: string;
  readonly stage: VersionStage;
  readonly onDone: () => void;
}

/** What may be done with a READY version at its stage. */
export function StageButtons({ versionId, stage, onDone }: StageButtonsProps) {
  const { mayAdministrate } = useTeam();
  const [nominate, nominating] = useApiMutation(NOMINATE);
  const [promote, promoting] = useApiMutation(PROMOTE);
  const [retire, retiring] = useApiMutation(RETIRE);
  const done = <Data,>(data: Data | undefined) => {
    if (data) onDone();
    return data;
  };
  return (
    <>
      {stage === 'DRAFT' && (
        <ReasonButton
          label="Nominate"
          title="Make it a candidate"
          what="Why it may come into use."
          state={nominating}
          onConfirm={async (reason) => done(await nominate({ input: { versionId, reason } }))}
        />
      )}
      {stage !== 'IN_USE' && (
        <ReasonButton
          label="Promote"
          title="Take it into use"
          what="Why it comes into use."
          primary
          override={mayAdministrate}
          state={promoting}
          onConfirm={async (reason, overrideGate) => {
            const data = await promote({ input: { versionId, reason, overrideGate } });
            const message = data?.promoteVersion.gate?.message;
            if (message) notifications.show({ title: 'The gate', message });
            return done(data);
          }}
        />
      )}
      {stage !== 'RETIRED' && (
        <ReasonButton
          label="Retire"
          title="Retire it"
          what="Why it shall no longer be used. Its pins still answer."
          state={retiring}
          onConfirm={async (reason) => done(await retire({ input: { versionId, reason } }))}
        />
      )}
    </>
  );
}
