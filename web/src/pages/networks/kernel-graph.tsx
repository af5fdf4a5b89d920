/** The fused graph: kernels as boxes with their ops inside, coloured by predicted time; what is known of one beside it. */
import '@xyflow/react/dist/style.css';
import './kernel-graph.css';
import { Group, SimpleGrid, Stack, Switch, Table, Text, useComputedColorScheme } from '@mantine/core';
import { Background, Controls, Handle, type Node, type NodeProps, Position, ReactFlow } from '@xyflow/react';
import { useMemo, useState } from 'react';
import { graphql } from '../../api/generated';
import type { PredictionKernelsQuery } from '../../api/generated/graphql';
import { useApiQuery } from '../../api/hooks';
import { formatLatency, formatPercent } from '../../components/format';
import { Failure, Loading } from '../../components/states';
import { BOX_WIDTH, type Box, type DrawnKernel, draw } from './kernel-layout';

const PLAN = graphql(`
  query FusedGraph($id: ID!, $runtime: String!, $gpu: String) {
    node(id: $id) {
      ... on Network {
        id
        kernelPlan(runtime: $runtime, gpu: $gpu) {
          kernels { kind fused nearMiss }
          featureNames
          details { types reads outputShape features }
        }
      }
    }
  }
`);

type Kernel = PredictionKernelsQuery['prediction']['kernels'][number];

/** Larger graphs are folded at first. */
const FOLDED_FROM = 60;
/** The slowest box has so much of the colour, percent: text on it stays legible in both schemes. */
const DEEPEST = 45;

/** A deep network as a whole would be too small to read: it begins at its top, and a button shows all of it. */
const SEEN_AT_FIRST = 7;

interface KernelNodeData extends Record<string, unknown> {
  readonly box: Box;
  /** Of the slowest box, 0 to 1. */
  readonly depth: number;
  readonly withOps: boolean;
}
type KernelNode = Node<KernelNodeData, 'kernel'>;

function background(depth: number): string {
  return `color-mix(in srgb, var(--mantine-color-orange-6) ${Math.round(DEEPEST * depth)}%, var(--mantine-color-body))`;
}

function KernelBox({ data: { box, depth, withOps } }: NodeProps<KernelNode>) {
  const { kernels, latencyUs, height } = box;
  const [first] = kernels;
  return (
    <div className="kernel-box" style={{ width: BOX_WIDTH, height, background: background(depth) }}>
      <Handle type="target" position={Position.Top} isConnectable={false} />
      <div className="kernel-name">{kernels.length === 1 ? first.name : `${kernels.length} kernels`}</div>
      <div className="kernel-time">
        {kernels.length === 1 ? `${first.index + 1}` : `${first.index + 1} to ${kernels.at(-1)!.index + 1}`} ·{' '}
        {formatLatency(latencyUs)}
      </div>
      {withOps && kernels.length === 1 && (
        <div className="kernel-ops">
          {first.types.map((type, i) => (
            <div key={`${i}-${type}`}>{type}</div>
          ))}
        </div>
      )}
      <Handle type="source" position={Position.Bottom} isConnectable={false} />
    </div>
  );
}

const NODE_TYPES = { kernel: KernelBox };

export interface KernelGraphProps {
  readonly networkId: string;
  /** As a version names it: `tflite-gpu@2.10/adreno-640`. */
  readonly runtime: string;
  readonly kernels: readonly Kernel[];
  readonly latencyUs: number;
}

export function KernelGraph({ networkId, runtime, kernels, latencyUs }: KernelGraphProps) {
  const scheme = useComputedColorScheme();
  const [name, gpu] = runtime.split('/');
  const { data, error, loading, reload } = useApiQuery(PLAN, { id: networkId, runtime: name, gpu });
  const [folded, setFolded] = useState(kernels.length >= FOLDED_FROM);
  const [withOps, setWithOps] = useState(true);
  const [chosen, setChosen] = useState<number>();
  const plan = data?.node && 'kernelPlan' in data.node ? data.node.kernelPlan : undefined;
  const drawing = useMemo(() => {
    if (plan?.kernels.length !== kernels.length) return undefined;
    const drawn = kernels.map(
      ({ kind, fused, latencyUs: kernelUs }, index): DrawnKernel => ({
        index,
        name: [kind, ...fused].join('+'),
        types: plan.details[index].types,
        reads: plan.details[index].reads,
        latencyUs: kernelUs,
      }),
    );
    return draw(drawn, folded, withOps);
  }, [plan, kernels, folded, withOps]);
  const elements = useMemo(() => {
    if (!drawing) return undefined;
    const slowest = Math.max(...drawing.boxes.map((box) => box.latencyUs));
    return {
      nodes: drawing.boxes.map(
        (box): KernelNode => ({
          id: box.id,
          type: 'kernel',
          position: { x: box.x, y: box.y },
          width: BOX_WIDTH,
          height: box.height,
          data: { box, depth: Math.max(0, box.latencyUs / slowest), withOps },
          ariaLabel: `${box.kernels.length === 1 ? box.kernels[0].name : `${box.kernels.length} kernels`}, ${formatLatency(box.latencyUs)}`,
        }),
      ),
      edges: drawing.edges.map(({ from, to }) => ({ id: `${from}-${to}`, source: from, target: to, focusable: false })),
    };
  }, [drawing, withOps]);
  if (loading) return <Loading label="Planning" />;
  if (error) return <Failure error={error} retry={reload} />;
  if (!plan || !drawing || !elements) {
    return (
      <Text size="sm" c="dimmed">
        The rules for this runtime have changed since the prediction was made: predict again to see the graph.
      </Text>
    );
  }
  const box = drawing.boxes.find(({ kernels: inside }) => inside.some(({ index }) => index === chosen));
  const nodes = elements.nodes.map((node) => (node.id === box?.id ? { ...node, selected: true } : node));
  return (
    <Stack gap="xs">
      <Group gap="lg">
        <Switch
          size="xs"
          label="Fold runs of fast kernels"
          checked={folded}
          onChange={(event) => setFolded(event.currentTarget.checked)}
        />
        <Switch
          size="xs"
          label="Ops inside"
          checked={withOps}
          onChange={(event) => setWithOps(event.currentTarget.checked)}
        />
        <Group gap={6} aria-hidden>
          <Text size="xs" c="dimmed">
            0
          </Text>
          <div
            className="kernel-scale"
            style={{ background: `linear-gradient(to right, ${background(0)}, ${background(1)})` }}
          />
          <Text size="xs" c="dimmed">
            {formatLatency(Math.max(...drawing.boxes.map((each) => each.latencyUs)))}
          </Text>
        </Group>
      </Group>
      <div className="kernel-graph">
        <div className="kernel-canvas">
          <ReactFlow
            key={`${folded} ${withOps}`}
            colorMode={scheme}
            nodes={nodes}
            edges={elements.edges}
            nodeTypes={NODE_TYPES}
            onNodesChange={(changes) => {
              for (const change of changes) {
                if (change.type === 'select' && change.selected)
                  setChosen(drawing.boxes[Number(change.id)].kernels[0].index);
              }
            }}
            nodesDraggable={false}
            nodesConnectable={false}
            onlyRenderVisibleElements
            fitView
            fitViewOptions={{ maxZoom: 1, nodes: elements.nodes.slice(0, SEEN_AT_FIRST) }}
            minZoom={0.05}
            preventScrolling={false}
            zoomOnScroll={false}
            proOptions={{ hideAttribution: true }}
          >
            <Background />
            <Controls showInteractive={false} />
          </ReactFlow>
        </div>
        <aside className="kernel-side" aria-label="The chosen kernel">
          {box ? (
            <ChosenBox box={box} kernels={kernels} plan={plan} latencyUs={latencyUs} />
          ) : (
            <Text size="sm" c="dimmed">
              Choose a kernel: by a click, or by Tab and Enter. Drag to move, pinch or use the buttons to zoom.
            </Text>
          )}
        </aside>
      </div>
    </Stack>
  );
}

interface Plan {
  readonly kernels: readonly { readonly nearMiss?: string | null }[];
  readonly featureNames: readonly string[];
  readonly details: readonly { readonly outputShape: readonly number[]; readonly features: readonly number[] }[];
}

/** What is known of a kernel; of a run of them, what is in it. */
function ChosenBox(props: { box: Box; kernels: readonly Kernel[]; plan: Plan; latencyUs: number }) {
  const { box, kernels, plan, latencyUs } = props;
  const share = formatPercent((100 * box.latencyUs) / latencyUs);
  if (box.kernels.length > 1) {
    return (
      <Stack gap="xs">
        <Text fw={600}>
          {box.kernels.length} kernels, {formatLatency(box.latencyUs)}, {share}
        </Text>
        {box.kernels.map(({ index, name, latencyUs: kernelUs }) => (
          <Text size="xs" key={index}>
            {index + 1} {name}, {formatLatency(kernelUs)}
          </Text>
        ))}
      </Stack>
    );
  }
  const [{ index, name }] = box.kernels;
  const { reason, ops, coverage } = kernels[index];
  const { nearMiss } = plan.kernels[index];
  const { outputShape, features } = plan.details[index];
  const known = plan.featureNames
    .map((feature, i) => [feature, features[i]] as const)
    .filter(([, value]) => value !== 0);
  return (
    <Stack gap="xs">
      <Text fw={600} style={{ overflowWrap: 'anywhere' }}>
        {index + 1} {name}
      </Text>
      <Text size="sm">
        {formatLatency(box.latencyUs)}, {share} of the whole; coverage {coverage.toLowerCase().replaceAll('_', ' ')}
      </Text>
      <SimpleGrid cols={1} spacing={4}>
        <Text size="sm">{reason}</Text>
        {nearMiss && (
          <Text size="sm" c="dimmed">
            Near miss: {nearMiss}
          </Text>
        )}
        <Text size="sm">Output {outputShape.join(' x ')}</Text>
        <Text size="xs" c="dimmed" style={{ overflowWrap: 'anywhere' }}>
          Ops: {ops.join(', ')}
        </Text>
      </SimpleGrid>
      <Table fz="xs" verticalSpacing={2} aria-label="What a predictor sees of it">
        <Table.Tbody>
          {known.map(([feature, value]) => (
            <Table.Tr key={feature}>
              <Table.Td>{feature}</Table.Td>
              <Table.Td ta="right">{Number(value.toPrecision(6)).toLocaleString('en')}</Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Stack>
  );
}
