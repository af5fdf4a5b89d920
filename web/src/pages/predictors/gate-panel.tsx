/** The gate of a predictor: what a version must show on an evaluation set before it comes into use. */
import { Button, Group, NumberInput, Select, Text } from '@mantine/core';
import { useState } from 'react';
import { graphql } from '../../api/generated';
import { useApiMutation, useApiQuery } from '../../api/hooks';
import { formatPercent } from '../../components/format';
import { Panel } from '../../components/page';
import { Failure } from '../../components/states';
import { useTeam } from '../../team';

const SETS = graphql(`
  query GateEvaluationSets {
    evaluationSets(first: 100, filter: { status: READY }) { edges { node { id name networkCount } } }
  }
`);
const SET_GATE = graphql(`
  mutation SetPromotionGate($input: SetPromotionGateInput!) {
    setPromotionGate(input: $input) { predictor { id } }
  }
`);
const REMOVE_GATE = graphql(`
  mutation RemovePromotionGate($input: RemovePromotionGateInput!) {
    removePromotionGate(input: $input) { predictor { id } }
  }
`);

export interface GatePanelProps {
  readonly predictorId: string;
  readonly gate?: {
    readonly marginPercent: number;
    readonly evaluationSet: { readonly id: string; readonly name: string };
  };
  readonly onDone: () => void;
}

export function GatePanel({ predictorId, gate, onDone }: GatePanelProps) {
  const { mayWrite } = useTeam();
  const { data } = useApiQuery(SETS, {}, { pause: !mayWrite });
  const [setGate, setting] = useApiMutation(SET_GATE);
  const [removeGate, removing] = useApiMutation(REMOVE_GATE);
  const [evaluationSetId, setEvaluationSetId] = useState(gate?.evaluationSet.id ?? null);
  const [margin, setMargin] = useState<number | string>(gate?.marginPercent ?? 1);
  const sets = data?.evaluationSets.edges.map(({ node }) => node) ?? [];
  const save = async () => {
    if (!evaluationSetId) return;
    if (await setGate({ input: { predictorId, evaluationSetId, marginPercent: Number(margin) } })) onDone();
  };
  const remove = async () => {
    if (await removeGate({ input: { predictorId } })) onDone();
  };
  return (
    <Panel title="Gate">
      <Text pb="sm">
        {gate
          ? `A version comes into use if at 95 % confidence it is not worse by more than ${formatPercent(gate.marginPercent)} on ${gate.evaluationSet.name}.`
          : 'No gate: every version may come into use.'}
      </Text>
      {mayWrite && sets.length === 0 && (
        <Text c="dimmed">A gate needs an evaluation set: networks that no version is trained on.</Text>
      )}
      {mayWrite && sets.length > 0 && (
        <Group align="flex-end" gap="sm">
          <Select
            label="Evaluation set"
            size="xs"
            data={sets.map(({ id, name, networkCount }) => ({ value: id, label: `${name}, ${networkCount} networks` }))}
            value={evaluationSetId}
            onChange={setEvaluationSetId}
          />
          <NumberInput
            label="Margin, percentage points"
            size="xs"
            w="11rem"
            min={0}
            max={100}
            value={margin}
            onChange={setMargin}
          />
          <Button variant="default" loading={setting.running} disabled={!evaluationSetId} onClick={save}>
            {gate ? 'Change the gate' : 'Set a gate'}
          </Button>
          {gate && (
            <Button variant="default" loading={removing.running} onClick={remove}>
              Remove it
            </Button>
          )}
        </Group>
      )}
      <Failure error={setting.error ?? removing.error} />
    </Panel>
  );
}
