/**
 * A Dockerfile, read and run without a container engine: each stage is a directory, in which COPY copies and RUN runs. Knows
 * the instructions that ours has and refuses any other. Base images are not there: RUN finds the machine's own programs.
 */
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

interface Instruction {
  readonly name: string;
  readonly text: string;
}

export interface Stage {
  readonly name: string;
  readonly image: string;
  readonly instructions: readonly Instruction[];
}

/** Comments and blank lines left out, continued lines joined. */
export function readDockerfile(file: string): Stage[] {
  const lines = readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => !/^\s*#/.test(line))
    .join('\n')
    .replace(/\\\n\s*/g, ' ')
    .split('\n')
    .filter((line) => line.trim() !== '');
  const stages: { name: string; image: string; instructions: Instruction[] }[] = [];
  for (const line of lines) {
    const [, name, text] = /^([A-Z]+) +(.*)$/.exec(line)!;
    const [, image, stage] = (name === 'FROM' && /^(\S+) AS (\S+)$/.exec(text)) || [];
    if (name === 'FROM') stages.push({ name: stage, image, instructions: [] });
    else stages.at(-1)!.instructions.push({ name, text });
  }
  return stages;
}

/** All texts of one instruction in a stage. */
export function textsOf({ instructions }: Stage, name: string): string[] {
  return instructions.filter((each) => each.name === name).map(({ text }) => text);
}

/** The variables that a stage sets. */
export function environmentOf(stage: Stage): Record<string, string> {
  const pairs = textsOf(stage, 'ENV').flatMap((text) => text.split(/ +/).filter(Boolean));
  return Object.fromEntries(pairs.map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]));
}

/** Builds every stage in a directory of its name below `scratch`, from the files of `context`. */
export function buildStages(stages: readonly Stage[], context: string, scratch: string): void {
  const inStage = (stage: string, file: string) => path.join(scratch, stage, file);
  for (const { name: stage, instructions } of stages) {
    let directory = '/';
    const variables: Record<string, string> = {};
    for (const { name, text } of instructions) {
      const parameters = text.split(/ +/);
      switch (name) {
        case 'WORKDIR':
          directory = text;
          mkdirSync(inStage(stage, directory), { recursive: true });
          break;
        case 'ARG':
          variables[text.split('=')[0]] = text.split('=')[1];
          break;
        case 'COPY': {
          const [, from] = /^--from=(\S+)$/.exec(parameters[0]) ?? [];
          const sources = parameters.slice(from ? 1 : 0, -1);
          const target = inStage(stage, path.resolve(directory, parameters.at(-1)!));
          for (const source of sources) {
            const into = parameters.at(-1)!.endsWith('/') ? path.join(target, path.basename(source)) : target;
            const options = { recursive: true, preserveTimestamps: true, verbatimSymlinks: true };
            cpSync(from ? inStage(from, source) : path.join(context, source), into, options);
          }
          break;
        }
        case 'RUN':
          execFileSync('sh', ['-ec', text], {
            cwd: inStage(stage, directory),
            env: { PATH: process.env.PATH, HOME: process.env.HOME, ...variables },
            stdio: ['ignore', 'ignore', 'inherit'],
          });
          break;
        case 'ENV':
        case 'USER':
        case 'EXPOSE':
        case 'HEALTHCHECK':
        case 'STOPSIGNAL':
        case 'ENTRYPOINT':
        case 'CMD':
          break;
        default:
          throw new Error(`The instruction ${name} is not known here.`);
      }
    }
  }
}
