/** The networks and profiles of ../shared that the speed bench works on. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { type Graph, readNetwork } from '../src/engine';
import { SHARED } from './peer';

/** Every ONNX network by its name. */
export function readGraphs(): Map<string, Graph> {
  const folder = path.join(SHARED, 'networks/onnx');
  return new Map(
    readdirSync(folder).map((file) => {
      const name = path.basename(file, '.onnx');
      return [name, readNetwork(readFileSync(path.join(folder, file)), { name })];
    }),
  );
}

export function profileFile(name: string): string {
  return path.join(SHARED, 'data/mobile-ml-benchmark', `${name}.csv`);
}
