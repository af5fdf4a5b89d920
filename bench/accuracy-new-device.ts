/**
 * The accuracy bench on a new device: 5, 10 and 30 networks measured on it, all on other devices but those that are held out,
 * which nobody measured. What the device's own rows predict, and what they predict with the help of other devices' (the
 * engine's source `other scenarios`). Every sixth TFLite CPU scenario is the new one in turn. Result: accuracy-new-device.json.
 */
import type Piscina from 'piscina';
import { createRandom, parseScenario } from '../src/engine';
import { mean } from '../src/engine/metrics';
import { shuffle } from '../src/engine/random';
import { readScenarios, rounded, type ScenarioRows, saveResult } from './accuracy-data';
import type { NewDeviceTask } from './accuracy-thread';

const SIZES = [5, 10, 30] as const;
const HELD = 15;
const DRAWS = 2;
const EVERY = 6;

/** @returns a sentence for each bar that is missed */
export async function benchNewDevice(pool: Piscina): Promise<string[]> {
  const scenarios = (await readScenarios()).filter(({ scenario }) => {
    const { runtime, processor } = parseScenario(scenario);
    return runtime === 'tflite' && processor !== 'gpu';
  });
  const chosen = scenarios.filter((_, i) => i % EVERY === 0);
  const points = await Promise.all(
    SIZES.map(async (training) => {
      const tasks = chosen.flatMap((target) =>
        Array.from({ length: DRAWS }, (_, draw) => newDeviceTask(target, scenarios, training, draw)),
      );
      const errors: { own: number; borrowed: number }[] = await Promise.all(
        tasks.map((task) => pool.run(task, { name: 'fitNewDevice' })),
      );
      return {
        training,
        scenarios: chosen.length,
        own: rounded(100 * mean(errors.map(({ own }) => own))),
        borrowed: rounded(100 * mean(errors.map(({ borrowed }) => borrowed))),
      };
    }),
  );
  console.table(points);
  await saveResult('new-device', { points });
  return points
    .filter(({ own, borrowed }) => borrowed >= own)
    .map(({ training, own, borrowed }) => {
      return `new device: with ${training} networks borrowing has ${borrowed} %, not below ${own} %`;
    });
}

/** The target's rows of some networks, and other devices' of all but the held ones. */
function newDeviceTask(
  { scenario, rows }: ScenarioRows,
  scenarios: readonly ScenarioRows[],
  training: number,
  draw: number,
): NewDeviceTask {
  const random = createRandom(draw);
  const order = shuffle([...rows], random);
  const held = order.slice(0, HELD);
  const names = new Set(held.map(({ network }) => network));
  const { device } = parseScenario(scenario);
  const others = scenarios.filter((other) => parseScenario(other.scenario).device !== device);
  return {
    scenario,
    rows: [
      ...order.slice(HELD, HELD + training),
      ...others.flatMap((other) => other.rows.filter(({ network }) => !names.has(network))),
    ],
    held,
  };
}
